/** The product's mark, a bell. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden style={{ flex: 'none', display: 'block' }}>
      <rect width="32" height="32" rx="8" fill="var(--text)" />
      <path
        d="M16 6.5a1.6 1.6 0 0 0-1.6 1.6v.5C11 9.3 9 12 9 15.3v3.9l-1.7 2.4c-.5.7 0 1.7.9 1.7h15.6c.9 0 1.4-1 .9-1.7L23 19.2v-3.9c0-3.3-2-6-5.4-6.7v-.5A1.6 1.6 0 0 0 16 6.5Z"
        fill="var(--surface)"
      />
      <path d="M13.3 25a2.8 2.8 0 0 0 5.4 0Z" fill="var(--urgent)" />
    </svg>
  );
}
