import { Entity, PrimaryColumn } from 'typeorm';
import type { Channel, Severity } from '@tocsin/contracts';

/** A row of `recipient`: who is told of a tenant's alerts of one severity, over one channel. */
@Entity({ name: 'recipient', schema: 'tocsin' })
export class Recipient {
  @PrimaryColumn('text')
  tenant_id!: string;

  @PrimaryColumn('text')
  severity!: Severity;

  @PrimaryColumn('text')
  channel!: Channel;

  @PrimaryColumn('text')
  address!: string;
}
