// A process of its own that says which GPU there is: what the driver writes to standard error stays out of the way of the
// command that asks, and a driver that crashes does not take it along.
import { findGpu } from '../../kernels/index.js';

// The thread with the device would keep the process.
process.stdout.write(JSON.stringify(findGpu()), () => process.exit());
