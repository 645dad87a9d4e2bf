/** The simulation notices when anything but a room is broken in one place; the two files run side by side. */
import { catchVariants } from './catch-variants.ts'
import { variants } from './variants.ts'

catchVariants(variants.filter(({ file }) => !file.startsWith('server/room/')))
