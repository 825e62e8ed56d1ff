import { Popover } from 'radix-ui';
import { useEffect, useState, type SyntheticEvent } from 'react';
import { useAlertsApi } from '@tocsin/react-client';
import type { Alert, AlertAct } from '@tocsin/contracts/wire';
import buttons from '../settings/icon-button.module.css';
import menu from '../settings/menu.module.css';
import { nameOf } from '../words/people';
import { useLateWords } from '../words/late-words';
import { assignWords } from './assign-words';
import styles from './assign-to.module.css';
import { peopleOf } from './people-of';

/** From how many of the tenant's newest alerts users are taken: the longest page of the API. */
const NEWEST = 200;
/** How many users are offered; others are found by what is typed. */
const OFFERED = 6;

interface Props {
  alert: Alert;
  me: string;
  onAct(alert: Alert, act: AlertAct): void;
}

/** Assigns an alert to another user: one who had or took alerts of the tenant lately, or any whose id is typed. */
export default function AssignTo({ alert, me, onAct }: Props) {
  const say = useLateWords(assignWords);
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState('');
  const people = usePeople(alert.tenant_id, me, isOpen);
  const wanted = typed.trim().toLowerCase();
  const offered = people?.filter(
    (user) => user !== alert.assignee && `${user} ${nameOf(user)}`.toLowerCase().includes(wanted),
  );
  const assign = (assignee: string) => {
    setOpen(false);
    setTyped('');
    onAct(alert, { act: 'assign', assignee, from_assignee: alert.assignee });
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (wanted !== '') assign(typed.trim());
  };
  return (
    <Popover.Root open={isOpen} onOpenChange={setOpen}>
      <Popover.Trigger className={styles.open}>{say('open')}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className={`${menu.panel} ${styles.panel}`}
          align="start"
          sideOffset={6}
          collisionPadding={12}
          aria-label={say('open')}
          data-testid="assign-to"
        >
          <form className={styles.form} onSubmit={submit}>
            <input
              value={typed}
              maxLength={200}
              aria-label={say('label')}
              placeholder={say('label')}
              aria-describedby="assign-hint"
              autoCapitalize="none"
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setTyped(event.target.value)}
            />
            <button type="submit" className={buttons.secondary} disabled={wanted === ''}>
              {say('go')}
            </button>
          </form>
          <p id="assign-hint" className={styles.hint}>
            {say('hint')}
          </p>
          {offered && offered.length > 0 && <p className={menu.heading}>{say('known')}</p>}
          {offered?.slice(0, OFFERED).map((user) => (
            <button key={user} type="button" className={`${menu.item} ${styles.person}`} onClick={() => assign(user)}>
              {nameOf(user)}
              {nameOf(user) !== user && <span className={menu.keys}>{user}</span>}
            </button>
          ))}
          {people?.length === 0 && <p className={styles.hint}>{say('nobody')}</p>}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** The users who are known in a tenant; undefined: not asked, or not answered. */
function usePeople(tenant: string, me: string, isWanted: boolean): string[] | undefined {
  const api = useAlertsApi();
  const [people, setPeople] = useState<string[]>();
  useEffect(() => {
    if (!isWanted) return;
    const asking = new AbortController();
    // without an answer a user can still be typed
    api.list({ tenant: [tenant], limit: NEWEST }, asking.signal).then(
      ({ alerts }) => setPeople(peopleOf(alerts, me)),
      () => undefined,
    );
    return () => asking.abort();
  }, [api, tenant, me, isWanted]);
  return people;
}
