// The parts of TensorFlow.js that are used: core, all gradients and the cpu backend. The build bundles this file into
// one (scripts/finish-build.mjs), because Node cannot load the gradients as they are published: ES modules whose
// imports have no extensions. It also spares the package's users the rest of TensorFlow.js.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-cpu';

export * from '@tensorflow/tfjs-core';
