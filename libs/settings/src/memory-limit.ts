import { totalmem } from 'node:os';

/** The bytes of memory that this process may use: the limit of its cgroup, or without one the machine's memory. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
}

/** A part of that limit, in whole bytes, at most `atMost`. */
export const shareOfMemory = (part: number, atMost: number): number =>
  Math.min(atMost, Math.floor(memoryLimit() * part));
