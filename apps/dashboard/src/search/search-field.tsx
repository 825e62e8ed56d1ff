import { lazy, useEffect, useImperativeHandle, useRef, useState, type Ref } from 'react';
import { CircleHelp, Search as SearchIcon, X } from 'lucide-react';
import type { AlertFacets } from '@tocsin/contracts/wire';
import { Late } from '../live/late';
import { useWords } from '../words/words';
import { isHalfTyped } from './search-terms';
import { stepped, suggestionsFor } from './suggestions';
import styles from './search-field.module.css';

/** Loaded when it is needed: a user reads it once. */
const SearchHelp = lazy(() => import('./search-help'));
/** How long the user must stop typing before the text is searched for. */
const TYPING_MS = 250;

export interface SearchHandle {
  focus(): void;
}

/**
 * The search field: it searches for the typed text and suggests terms. A term that is half typed is searched for only
 * with Enter.
 */
export function SearchField({
  ref,
  q,
  facets,
  onSearch,
}: {
  ref?: Ref<SearchHandle>;
  q: string;
  facets: AlertFacets | undefined;
  onSearch(q: string): void;
}) {
  const { t } = useWords();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(q);
  const [active, setActive] = useState(-1);
  const [isOpen, setOpen] = useState(false);
  const [isHelping, setHelping] = useState(false);
  const told = useRef(q);
  useImperativeHandle(ref, () => ({ focus: () => input.current?.select() }));

  // A click on a facet, or Back, changes the text from outside.
  useEffect(() => {
    if (q === told.current) return;
    told.current = q;
    setText(q);
  }, [q]);
  useEffect(() => {
    if (text === told.current || isHalfTyped(text)) return;
    const timer = setTimeout(() => search(text), TYPING_MS);
    return () => clearTimeout(timer);
  });
  const search = (next: string) => {
    told.current = next;
    setText(next);
    onSearch(next);
  };

  const suggestions = isOpen ? suggestionsFor(text, facets) : [];
  const accept = (suggestion: string) => {
    const next = text.replace(/\S*$/, '') + suggestion;
    setActive(-1);
    // a key is only the beginning of a term, whose values are suggested next
    if (isHalfTyped(next)) setText(next);
    else search(`${next} `);
    input.current?.focus();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (suggestions.length === 0) return;
      event.preventDefault();
      setActive(stepped(active, event.key === 'ArrowDown' ? 1 : -1, suggestions.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const chosen = suggestions[active];
      if (chosen) accept(chosen);
      else {
        search(text);
        setOpen(false);
      }
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      if (isOpen && suggestions.length > 0) setOpen(false);
      else input.current?.blur();
    }
  };
  return (
    <div className={styles.frame} role="search">
      <SearchIcon size={15} aria-hidden className={styles.icon} />
      <input
        ref={input}
        type="search"
        role="combobox"
        aria-label={t('search.label')}
        aria-expanded={suggestions.length > 0}
        aria-controls="suggestions"
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 && suggestions[active] ? `suggestion-${active}` : undefined}
        placeholder={t('search.placeholder')}
        spellCheck={false}
        autoComplete="off"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setOpen(true);
          setActive(-1);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <button
        type="button"
        className={styles.help}
        aria-label={t('search.help')}
        title={t('search.help')}
        onClick={() => setHelping(true)}
      >
        <CircleHelp size={14} aria-hidden />
      </button>
      {text ? (
        <button type="button" className={styles.clear} aria-label={t('search.clear')} onClick={() => search('')}>
          <X size={14} aria-hidden />
        </button>
      ) : (
        <kbd className={styles.key} aria-hidden>
          /
        </kbd>
      )}
      {suggestions.length > 0 && (
        <ul id="suggestions" role="listbox" aria-label={t('search.label')} className={styles.list}>
          {suggestions.map((suggestion, index) => (
            <li
              key={suggestion}
              id={`suggestion-${index}`}
              role="option"
              aria-selected={index === active}
              className={styles.option}
              onPointerDown={(event) => {
                event.preventDefault();
                accept(suggestion);
              }}
            >
              {suggestion}
            </li>
          ))}
        </ul>
      )}
      {isHelping && (
        <Late>
          <SearchHelp onClose={() => setHelping(false)} />
        </Late>
      )}
    </div>
  );
}
