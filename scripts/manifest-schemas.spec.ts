import { describeWith } from '../e2e/kit/programs';
import { helm, type Manifest } from './manifests/render';
import { faultsOf, KUBERNETES } from './manifests/schemas';
import { BEHIND_A_GATEWAY, COMPONENTS, SOURCES, withComponents } from './manifests/sources';

// NGINX Gateway Fabric publishes its definitions in no module that can be had: its two policies are not validated.
const UNKNOWN = 'gateway.nginx.org/v1alpha1';
const isSkipped = (program: string) => process.env[`SKIP_${program.toUpperCase()}`] !== undefined;

describeWith('kubeconform', 'what Kubernetes accepts', () => {
  let objects: Manifest[];
  beforeAll(() => {
    const sources = SOURCES.filter(({ program }) => !isSkipped(program));
    const components = isSkipped('kustomize') ? [] : COMPONENTS.flatMap((names) => withComponents(names));
    const routed = isSkipped('helm') ? [] : helm(BEHIND_A_GATEWAY);
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

  test('a field that Istio does not know is refused', () => {
    const route = JSON.stringify(objects.find(({ kind }) => kind === 'VirtualService'));
    const changed = JSON.parse(route.replace('"timeout"', '"timeoutOfRoute"')) as Manifest;
    expect(faultsOf([changed], KUBERNETES[0]!).join()).toMatch(/VirtualService tocsin[^]*timeoutOfRoute/);
  });

  test('a duration that Gateway API does not know is refused', () => {
    const route = objects.find(({ kind }) => kind === 'HTTPRoute')!;
    const text = JSON.stringify(route).replace('"request":"0s"', '"request":"1d"');
    expect(text).toContain('1d');
    expect(faultsOf([JSON.parse(text) as Manifest], KUBERNETES[0]!).join()).toContain('HTTPRoute tocsin');
  });
});
