import { totalmem } from 'node:os';

/** The bytes of memory that this process may use: its cgroup's limit where it has one, else what the machine has. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
}

/** A part of it, in whole bytes, at most so many. */
export const shareOfMemory = (part: number, atMost: number): number =>
  Math.min(atMost, Math.floor(memoryLimit() * part));
