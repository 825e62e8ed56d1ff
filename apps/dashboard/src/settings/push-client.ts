// The part of the client that push messages need. It is loaded apart, since most visits do not use it.
export { renewPush, unsubscribeFromPush } from '@tocsin/react-client';
