import { lazy } from 'react';
import { Dialog } from 'radix-ui';
import type { StreamStatus } from '@tocsin/react-client';
import menu from '../settings/menu.module.css';
import { useWords } from '../words/words';
import { Late } from './late';

const SignIn = lazy(() => import('../session/sign-in'));

/** Asks for a new sign-in, while the page stays behind the dialog: the user goes on where they were. */
export function SessionEnded({ status, onToken }: { status: StreamStatus; onToken(token: string): void }) {
  const { t } = useWords();
  const never = status.lastHeardAt === null;
  return (
    <Dialog.Root open>
      <Dialog.Portal>
        <Dialog.Overlay className={menu.overlay} />
        <Dialog.Content
          className={menu.dialog}
          aria-describedby={undefined}
          onEscapeKeyDown={(event) => event.preventDefault()}
          onPointerDownOutside={(event) => event.preventDefault()}
        >
          <Dialog.Title className="hidden">{t(never ? 'signin.title' : 'signin.ended')}</Dialog.Title>
          <Late broken={t('error.part')}>
            <SignIn
              ended={!never}
              problem={never ? t('signin.refused', { detail: status.detail ?? status.reason ?? '' }) : null}
              onToken={onToken}
            />
          </Late>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
