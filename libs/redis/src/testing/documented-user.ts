import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redisUrl } from './own-redis';

/** A user of Redis with the rights that a page of the documents gives, below the prefix of a test. */
export class DocumentedUser {
  private readonly admin = new Redis(redisUrl());

  private constructor(
    private readonly name: string,
    private readonly rights: readonly string[],
  ) {}

  /** `page`: a file in `docs` with one command of `redis-cli ACL SETUSER`. */
  static async of(page: string, prefix: string): Promise<DocumentedUser> {
    const text = readFileSync(join(__dirname, '../../../../docs', page), 'utf8');
    const [, words] = /^redis-cli ACL SETUSER \S+ on \S+([^]+?)\n```/m.exec(text)!;
    const rights = words!.match(/[^\s'\\]+/g)!.map((word) => word.replace(/^[~&]/, `$&${prefix}`));
    const user = new DocumentedUser(`user-${prefix.replace(/\W/g, '')}`, rights);
    await user.admin.call('ACL', 'SETUSER', user.name, 'on', '>a-password', ...rights);
    return user;
  }

  get url(): string {
    return Object.assign(new URL(redisUrl()), { username: this.name, password: 'a-password' }).href;
  }

  /** Takes rights away: words of `ACL SETUSER`. */
  async lose(...words: string[]): Promise<void> {
    await this.admin.call('ACL', 'SETUSER', this.name, ...words);
  }

  async regain(): Promise<void> {
    await this.admin.call('ACL', 'SETUSER', this.name, ...this.rights);
  }

  /** What Redis refused to this user: commands, keys and topics. */
  async refused(): Promise<string[]> {
    const log = (await this.admin.call('ACL', 'LOG', '128')) as string[][];
    return log
      .filter((entry) => entry[entry.indexOf('username') + 1] === this.name)
      .map((entry) => String(entry[entry.indexOf('object') + 1]));
  }

  async remove(): Promise<void> {
    await this.admin.call('ACL', 'DELUSER', this.name);
    await this.admin.quit();
  }
}
