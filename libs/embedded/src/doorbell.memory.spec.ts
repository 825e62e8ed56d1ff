import { describeDoorbell } from '@tocsin/contracts/testing';
import { MemoryDoorbell } from './doorbell.memory';

describeDoorbell('MemoryDoorbell', {
  open: () => Promise.resolve({ doorbell: new MemoryDoorbell(), close: () => Promise.resolve() }),
});
