/** The simulation notices when a room is broken in one place. */
import { catchVariants } from './catch-variants.ts'
import { variants } from './variants.ts'

catchVariants(variants.filter(({ file }) => file.startsWith('server/room/')))
