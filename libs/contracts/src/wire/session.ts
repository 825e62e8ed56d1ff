/** The session of a person who signed in through the OpenID provider. */
export interface SignedIn {
  user_id: string;
  /** What the person may do, as in a token. */
  scopes: string[];
  /** When the session ends however much it is used: ISO 8601. */
  ends_at: string;
}

/** A session that was ended. */
export interface SignedOut {
  /** Where the browser goes to sign out at the provider as well; null when the provider has no such address. */
  end_session_url: string | null;
}
