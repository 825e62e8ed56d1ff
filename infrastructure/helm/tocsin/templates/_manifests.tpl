{{- /*
The objects are read from the manifests of kustomize, so that there is one place for a probe, a port or a secret's name.
What the values say is then laid over them.
*/ -}}

{{- /* The text of a manifest, with the names that the values choose. Takes (list $ "manifests/gateway"). */ -}}
{{- define "tocsin.text" -}}
{{- $root := index . 0 -}}
{{- $path := printf "%s.yaml" (index . 1) -}}
{{- $text := $root.Files.Get $path | required (printf "%s is not in the chart: is its folder a link that was not followed?" $path) -}}
{{- with $root.Values -}}
{{- $text | replace "tocsin-secrets" .secretName | replace "tocsin.example.com" .ingress.host | replace "tocsin-tls" .ingress.tlsSecret -}}
{{- end -}}
{{- end -}}

{{- /* One object of a manifest. The first of its kind. Takes (list $ "manifests/gateway" "Deployment"). */ -}}
{{- define "tocsin.object" -}}
{{- $root := index . 0 -}}
{{- $kind := index . 2 -}}
{{- $objects := list -}}
{{- range splitList "\n---\n" (include "tocsin.text" .) -}}
{{- $object := fromYaml . -}}
{{- if eq $object.kind $kind }}{{ $objects = append $objects $object }}{{ end -}}
{{- end -}}
{{- $labels := include "tocsin.labels" $root | fromYaml -}}
{{- mergeOverwrite (first $objects) (dict "metadata" (dict "namespace" $root.Release.Namespace "labels" $labels)) | toYaml -}}
{{- end -}}

{{- define "tocsin.labels" -}}
app.kubernetes.io/part-of: tocsin
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* The data of tocsin-config: the manifests' literals, and the values' over them. */ -}}
{{- define "tocsin.config" -}}
{{- $data := dict -}}
{{- range (index (include "tocsin.text" (list . "manifests/kustomization") | fromYaml).configMapGenerator 0).literals -}}
{{- $_ := set $data (regexFind "^[^=]+" .) (regexReplaceAll "^[^=]+=" . "") -}}
{{- end -}}
{{- range $name, $value := .Values.config -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $data $name -}}
{{- else -}}
{{- $_ := set $data $name (include "tocsin.word" $value) -}}
{{- end -}}
{{- end -}}
{{- toYaml $data -}}
{{- end -}}

{{- /* A value as the text of a setting. A whole number from a file of values is a float: 1.6777216e+07 if it is only printed. */ -}}
{{- define "tocsin.word" -}}
{{- if kindIs "float64" . }}{{ if eq . (floor .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ . }}{{ end -}}
{{- end -}}
