import { useEffect, useState } from 'react';

/** Whether the window is so narrow that the drawer covers the whole page. */
export function useIsNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(() => matchMedia('(max-width: 759px)').matches);
  useEffect(() => {
    const query = matchMedia('(max-width: 759px)');
    const changed = () => setNarrow(query.matches);
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
  }, []);
  return isNarrow;
}
