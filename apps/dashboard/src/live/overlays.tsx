import { lazy } from 'react';
import type { Asked } from '../acts/use-acts';
import { LateDialog } from './late';
import { commandsOf, type PageActs } from './use-keys';

/** Loaded when they are needed: for a key, or for an act on many alerts. */
const KeyHelp = lazy(() => import('../settings/key-help'));
const Commands = lazy(() => import('../settings/commands'));
const ConfirmAct = lazy(() => import('../acts/confirm-act'));

export type Overlay = 'keys' | 'commands' | 'tenants';

interface Props {
  open: Overlay | null;
  asked: Asked | null;
  page: PageActs;
  onClose(): void;
}

/** What lies over the page: the help, the commands, and the question before an act on many alerts. */
export function Overlays({ open, asked, page, onClose }: Props) {
  return (
    <>
      {asked && (
        <LateDialog onGivenUp={() => asked.answer(false)}>
          <ConfirmAct asked={asked} />
        </LateDialog>
      )}
      {/* one that could not be loaded does not keep the next one from being shown */}
      <LateDialog key={`${open}`} onGivenUp={onClose}>
        {open === 'keys' && <KeyHelp onClose={onClose} />}
        {open === 'commands' && <Commands commands={commandsOf(page)} where={page} onClose={onClose} />}
      </LateDialog>
    </>
  );
}
