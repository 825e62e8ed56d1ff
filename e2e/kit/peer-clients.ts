import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as send } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PACKAGES = ['@pagerduty/pdjs@2.2.4', 'opsgenie-sdk@0.5.1', 'cloudevents@10.0.0'];
const INSTALL_TIMEOUT_MS = 120_000;
const RUN_TIMEOUT_MS = 30_000;
const run = promisify(execFile);

/** Other systems' own clients from npm, in a folder beside the project, so that nothing of Tocsin depends on them. */
export class PeerClients {
  private constructor(private readonly folder: string) {}

  static async install(): Promise<PeerClients> {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-peers-'));
    writeFileSync(join(folder, 'package.json'), '{"private": true}');
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', ...PACKAGES], {
      cwd: folder,
      timeout: INSTALL_TIMEOUT_MS,
    });
    return new PeerClients(folder);
  }

  /** Runs `code`, the body of an async function with `require` and `input`, and returns its result. */
  async run<T>(code: string, input: Record<string, unknown>): Promise<T> {
    const script = `const input = JSON.parse(process.argv[1]); (async () => { ${code} })().then((out) => console.log(JSON.stringify(out) ?? 'null'), (error) => { console.error(error); process.exit(1); })`;
    // the certificates of these tests are self-signed
    const { stdout } = await run(process.execPath, ['-e', script, JSON.stringify(input)], {
      cwd: this.folder,
      timeout: RUN_TIMEOUT_MS,
      env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    });
    return JSON.parse(stdout) as T;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** TLS in front of a gateway, for clients that support only TLS. */
export class TlsFront {
  private constructor(
    private readonly server: Server,
    readonly host: string,
  ) {}

  static async before(gateway: string): Promise<TlsFront> {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    );
    const { hostname, port } = new URL(gateway);
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      const forwarded = send(
        { hostname, port, path: request.url, method: request.method, headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(response);
        },
      );
      forwarded.on('error', () => response.destroy());
      request.pipe(forwarded);
    });
    rmSync(folder, { recursive: true, force: true });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return new TlsFront(server, `127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
