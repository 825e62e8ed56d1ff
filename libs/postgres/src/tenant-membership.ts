import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of `tenant_membership`: a user, a tenant that the user may see, and its name and role for that user. */
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
