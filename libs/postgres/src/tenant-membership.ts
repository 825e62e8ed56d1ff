import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of `tenant_membership`: who may see which tenant, under which name and role. */
@Entity({ name: 'tenant_membership', schema: 'tocsin' })
export class TenantMembership {
  @PrimaryColumn('text')
  user_id!: string;

  @PrimaryColumn('text')
  tenant_id!: string;

  @Column('text')
  name!: string;

  @Column('text')
  role!: string;
}
