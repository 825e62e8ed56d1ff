import type { RecipientBook } from '../ports';
import { aTenant } from './an-alert';

/** What every `RecipientBook` does without a fault. */
export function describeRecipientBook(
  name: string,
  { open }: { open(): Promise<{ book: RecipientBook; close(): Promise<void> }> },
): void {
  describe(`${name} as the book of recipients`, () => {
    let opened: { book: RecipientBook; close(): Promise<void> };
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());

    const ONE = { urgent: { email: ['ana@example.com', 'ben@example.com'], sms: ['+4915112345678'] } };
    const OTHER = { high: { push: ['user:ana'] } };

    it('replaces the whole, and each tenant has its own', async () => {
      const [tenant, other] = [aTenant(), aTenant()];
      expect((await opened.book.of(tenant)).recipients).toEqual({});
      await opened.book.replace(tenant, ONE, null);
      await opened.book.replace(other, OTHER, null);
      expect((await opened.book.of(tenant)).recipients).toEqual(ONE);
      await opened.book.replace(tenant, OTHER, null);
      expect((await opened.book.of(tenant)).recipients).toEqual(OTHER);
      await opened.book.replace(tenant, {}, null);
      expect((await opened.book.of(tenant)).recipients).toEqual({});
      expect((await opened.book.of(other)).recipients).toEqual(OTHER);
    });

    it('replaces under a tag only what has that tag, and of two at once one', async () => {
      const tenant = aTenant();
      const { etag } = await opened.book.of(tenant);
      expect(await opened.book.replace(tenant, ONE, 'another')).toBeUndefined();
      const both = await Promise.all([
        opened.book.replace(tenant, ONE, etag),
        opened.book.replace(tenant, OTHER, etag),
      ]);
      expect(both.filter(Boolean)).toHaveLength(1);
      expect(await opened.book.of(tenant)).toEqual(both.find(Boolean));
    });
  });
}
