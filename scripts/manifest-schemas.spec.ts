import { describeWith } from '../e2e/kit/programs';
import { helm, type Manifest } from './manifests/render';
import { faultsOf, KUBERNETES } from './manifests/schemas';
import { ADDITIONS, BEHIND_A_GATEWAY, COMPONENTS, SOURCES, withComponents } from './manifests/sources';

// NGINX Gateway Fabric publishes its definitions in no module that can be had: its two policies are not validated here.
// By hand they were, for 2.6.7.
const UNKNOWN = 'gateway.nginx.org/v1alpha1';
const isSkipped = (program: string) => process.env[`SKIP_${program.toUpperCase()}`] !== undefined;

describeWith('kubeconform', 'what Kubernetes accepts', () => {
  let objects: Manifest[];
  beforeAll(() => {
    const sources = SOURCES.filter(({ program }) => !isSkipped(program));
    const added = ADDITIONS.map(({ component }) => component);
    const components = isSkipped('kustomize') ? [] : [...COMPONENTS, added].flatMap((names) => withComponents(names));
    const values = Object.assign({}, BEHIND_A_GATEWAY, ...ADDITIONS.map((one) => one.values)) as object;
    const routed = isSkipped('helm') ? [] : helm(values);
    objects = [...sources.flatMap(({ render }) => render()), ...components, ...routed].filter(
      ({ apiVersion }) => apiVersion !== UNKNOWN,
    );
  });

  test.each(KUBERNETES)('every object of every overlay, component and of the chart is one of %s', (kubernetes) => {
    expect(objects.length).toBeGreaterThan(40);
    expect(faultsOf(objects, kubernetes)).toEqual([]);
  });

  test('a field that does not exist, a word in place of a number and an unknown kind are refused', () => {
    const [deployment] = objects.filter(({ kind }) => kind === 'Deployment') as [Manifest];
    const changed = (spec: object) => ({ ...deployment, spec: { ...deployment.spec, ...spec } }) as Manifest;
    const misspelt = changed({ replica: 2 });
    const word = changed({ replicas: 'two' });
    const unknown = { ...deployment, apiVersion: 'apps/v1beta1' };
    const faults = faultsOf([deployment, misspelt, word, unknown], KUBERNETES[0]!);
    expect(faults).toHaveLength(3);
    expect(faults.sort().join()).toMatch(/could not find schema[^]*replica[^]*replicas/);
  });

  // only kustomize renders the routes of Istio
  describeWith('kustomize', 'of a component', () => {
    test('a field that Istio does not know is refused, and a port of a policy that is neither number nor name', () => {
      const found = (kind: string, name: string) =>
        JSON.stringify(objects.find((one) => one.kind === kind && one.metadata.name === name));
      const route = found('VirtualService', 'tocsin').replace('"timeout"', '"timeoutOfRoute"');
      const policy = found('NetworkPolicy', 'tocsin-default-deny').replace('"port":53', '"port":[53]');
      const faults = faultsOf([JSON.parse(route), JSON.parse(policy)] as Manifest[], KUBERNETES[0]!).join();
      expect(faults).toMatch(/VirtualService tocsin[^]*timeoutOfRoute/);
      expect(faults).toContain('NetworkPolicy tocsin-default-deny');
    });
  });

  test('a duration that Gateway API does not know is refused', () => {
    const route = objects.find(({ kind }) => kind === 'HTTPRoute')!;
    const text = JSON.stringify(route).replace('"request":"0s"', '"request":"1d"');
    expect(text).toContain('1d');
    expect(faultsOf([JSON.parse(text) as Manifest], KUBERNETES[0]!).join()).toContain('HTTPRoute tocsin');
  });
});
