import type { FastifyInstance } from 'fastify';
import type { RunningTest } from './running_test.js';
export function resultRoutes(_server: FastifyInstance, _running: RunningTest): void {}
