import { useEffect, useState } from 'react';

/**
 * Whether the window is as narrow as a phone's: the details cover the whole page then, and the views are at the bottom.
 */
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
