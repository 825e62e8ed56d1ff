import { Component, type ReactNode } from 'react';

interface Props {
  children: ReactNode;
  fallback: ReactNode;
  onBroken?: (() => void) | undefined;
}

/** Catches errors of its children, and of loading them, so that the rest of the page keeps working. */
export class Unbroken extends Component<Props, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError = () => ({ broken: true });
  override componentDidCatch(): void {
    this.props.onBroken?.();
  }
  override render(): ReactNode {
    return this.state.broken ? this.props.fallback : this.props.children;
  }
}
