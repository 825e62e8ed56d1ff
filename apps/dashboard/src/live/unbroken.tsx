import { Component, type ReactNode } from 'react';

/** Catches errors of its children, and of loading them, so that the rest of the page keeps working. */
export class Unbroken extends Component<{ children: ReactNode; fallback: ReactNode }, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError = () => ({ broken: true });
  override render(): ReactNode {
    return this.state.broken ? this.props.fallback : this.props.children;
  }
}
