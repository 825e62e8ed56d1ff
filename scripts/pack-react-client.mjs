// Packs libs/react-client as the package `@tocsin/react-client`: `node scripts/pack-react-client.mjs [folder]` puts the
// tarball into the folder (default: here) and prints its path. It depends on React alone: neither Node's types nor any
// package's are there when it is compiled.
import { argv } from 'node:process';
import { pack } from './packing.mjs';

pack(
  {
    library: 'react-client',
    entries: ['index.ts', 'core.ts', 'push/push-worker.ts'],
    compilerOptions: {
      types: [],
      lib: ['es2023', 'dom', 'dom.iterable'],
      target: 'es2022',
      jsx: 'react-jsx',
      // the push worker has no imports: it must stay a script that every browser runs, without `export {}`
      moduleDetection: 'legacy',
      useDefineForClassFields: true,
      experimentalDecorators: false,
      emitDecoratorMetadata: false,
    },
    // the extension that ES modules need, for Node and for every bundler
    rewrite: (text) => text.replaceAll(/(from |import\()'(\.[^']*)'/g, (_, keyword, path) => `${keyword}'${path}.js'`),
    assets: ['inbox/inbox.css'],
  },
  argv[2],
);
