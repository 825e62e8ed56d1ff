#!/bin/sh
# cockatiel 3.2.1 (npm), Node 20: an error that the policy does not handle is taken for a success where it matters most.
#
# `handleType`, `handleWhen` and the like say which failures a circuit breaker counts. While the breaker is closed, any
# other error passes and changes nothing. One would expect the same of the one attempt that is allowed after the pause:
# an error that says nothing about the peer (our own database is away, the recipient's address is wrong) leaves open
# whether the peer works. But such an error closes the breaker, and it is reported as working again, although no attempt
# has reached it. A breaker whose attempts may fail before the peer is asked has to handle those errors as well.
#
# Seen on 2026-11-30:
#   closed, two failures of the peer: state open
#   closed, one failure of the peer and one other error between: state open
#   after the pause, another error: state closed, reset reported 1 time
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --save-exact --no-audit --no-fund --loglevel=error cockatiel@3.2.1 >/dev/null || exit 2
cat > seen.cjs <<'JS'
const { setTimeout: sleep } = require('node:timers/promises');
const { CircuitState, ConsecutiveBreaker, circuitBreaker, handleType } = require('cockatiel');
class PeerFailed extends Error {}
class NotAsked extends Error {}
const fail = (policy, Kind) => policy.execute(() => Promise.reject(new Kind())).catch(() => undefined);
const made = () => {
  const policy = circuitBreaker(handleType(PeerFailed), { halfOpenAfter: 100, breaker: new ConsecutiveBreaker(2) });
  let resets = 0;
  policy.onReset(() => (resets += 1));
  return { policy, resets: () => resets, state: () => CircuitState[policy.state].toLowerCase() };
};
(async () => {
  const one = made();
  for (const Kind of [PeerFailed, PeerFailed]) await fail(one.policy, Kind);
  console.log(`closed, two failures of the peer: state ${one.state()}`);
  const two = made();
  for (const Kind of [PeerFailed, NotAsked, PeerFailed]) await fail(two.policy, Kind);
  console.log(`closed, one failure of the peer and one other error between: state ${two.state()}`);
  await sleep(200); // the pause of the breaker is over
  await fail(one.policy, NotAsked);
  console.log(`after the pause, another error: state ${one.state()}, reset reported ${one.resets()} time`);
})();
JS
node seen.cjs | tee seen.txt
cat > expected.txt <<'TXT'
closed, two failures of the peer: state open
closed, one failure of the peer and one other error between: state open
after the pause, another error: state closed, reset reported 1 time
TXT
diff expected.txt seen.txt
