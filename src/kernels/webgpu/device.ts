import { totalmem } from 'node:os';
import type { DeviceLimits } from './plan.js';
import type { MemoryLimits } from './protocol.js';

/** A GPU, opened through Dawn. */
export interface OpenDevice {
  readonly device: GPUDevice;
  readonly limits: DeviceLimits;
  /** Adapter and driver, for people. */
  readonly adapter: string;
  /** Whether kernels can be timed. */
  readonly timestamps: boolean;
}

/** What is asked of an adapter: all that it has. */
const limitNames = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

/**
 * Timestamps are rounded to a tenth of a millisecond otherwise. Shaders check no index, which would cost a third of their
 * time: every index comes from sizes and from masks that `guarded` has checked. They write workgroup memory before they
 * read it.
 */
const dawnOptions = [
  'disable-dawn-features=timestamp_quantization',
  'enable-dawn-features=disable_robustness,disable_workgroup_init',
];

/** Dawn closes a device whose instance is collected as garbage. */
const kept: unknown[] = [];

/**
 * Opens the GPU that Dawn prefers.
 * @param most memory that may be used, where less than there is is wanted
 * @throws {Error} saying why there is none, and what to install
 */
export async function openDevice(most: MemoryLimits = {}): Promise<OpenDevice> {
  const { create, globals } = await import('webgpu').catch((error: unknown) => {
    const { code, message } = error as { code?: string; message?: string };
    throw new Error(
      code === 'ERR_MODULE_NOT_FOUND' && String(message).includes("'webgpu'")
        ? 'the package webgpu is not installed: npm install webgpu'
        : `the package webgpu does not load: ${String(message).split('\n')[0]}`,
    );
  });
  Object.assign(globalThis, globals);
  const gpu = create(dawnOptions);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter)
    throw new Error(
      'there is no adapter: install the driver of the GPU, on Linux with its Vulkan part and libvulkan1 ' +
        '(vulkaninfo shows it)',
    );
  const timestamps = adapter.features.has('timestamp-query');
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(limitNames.map((name) => [name, adapter.limits[name]])),
    requiredFeatures: timestamps ? ['timestamp-query'] : [],
  });
  kept.push(gpu, adapter);
  const {
    maxStorageBufferBindingSize,
    maxBufferSize,
    maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup,
  } = device.limits;
  const { device: name, description, vendor, architecture } = adapter.info;
  return {
    device,
    timestamps,
    adapter: [name || `${vendor} ${architecture}`, description].filter((part) => part.trim() !== '').join(', '),
    limits: {
      bufferBytes: Math.min(most.bufferBytes ?? Infinity, maxStorageBufferBindingSize, maxBufferSize),
      // The memory of a GPU cannot be asked for. Where it shares the machine's, more than half would end in swapping.
      memoryBytes: Math.min(most.memoryBytes ?? Infinity, totalmem() / 2),
      workgroupBytes: maxComputeWorkgroupStorageSize,
      invocations: maxComputeInvocationsPerWorkgroup,
    },
  };
}
