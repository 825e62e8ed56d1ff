// Loaded into a process under test (NODE_OPTIONS=--require=…). SIGUSR2 begins to measure the turns of its event loop, and
// another one ends it and prints the longest: what a turn took of the clock or of the processor, whichever is less, since
// on a busy machine the clock goes on while another process runs.
let measuring = false;
let longest = 0;

process.on('SIGUSR2', () => {
  measuring = !measuring;
  if (!measuring) return void process.stderr.write(`longest turn: ${longest.toFixed(1)} ms\n`);
  longest = 0;
  let at = performance.now();
  let used = process.cpuUsage();
  const turn = () => {
    if (!measuring) return;
    const { user, system } = process.cpuUsage(used);
    longest = Math.max(longest, Math.min(performance.now() - at, (user + system) / 1_000));
    at = performance.now();
    used = process.cpuUsage();
    setImmediate(turn);
  };
  setImmediate(turn);
});
