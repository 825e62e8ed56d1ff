// Loaded into a process under test (NODE_OPTIONS=--require=…). The first SIGUSR2 starts to measure the turns of its
// event loop, the second one stops it and prints the longest. A turn counts by the clock or by its CPU time, whichever
// is less: on a busy machine the clock also runs while another process does.
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
