{{- /* Lays the values of an app over its Deployment or Job. Takes (list $ $object $values) and changes the object. */ -}}
{{- define "tocsin.lay" -}}
{{- $root := index . 0 -}}
{{- $object := index . 1 -}}
{{- $values := index . 2 -}}
{{- $template := $object.spec.template -}}
{{- $container := first $template.spec.containers -}}
{{- with $values.replicas }}{{ $_ := set $object.spec "replicas" . }}{{ end -}}
{{- $_ := set $container "image" (include "tocsin.image" $root) -}}
{{- with $root.Values.image.pullPolicy }}{{ $_ := set $container "imagePullPolicy" . }}{{ end -}}
{{- with $root.Values.image.pullSecrets }}{{ $_ := set $template.spec "imagePullSecrets" . }}{{ end -}}
{{- $_ := set $container "env" (include "tocsin.env" (list $root $container.env $values) | fromYamlArray) -}}
{{- with $values.resources }}{{ $_ := set $container "resources" (mergeOverwrite $container.resources .) }}{{ end -}}
{{- with $values.podLabels }}{{ $_ := set $template.metadata "labels" (merge $template.metadata.labels .) }}{{ end -}}
{{- with $values.podSpec }}{{ $_ := mergeOverwrite $template.spec . }}{{ end -}}
{{- /* Pods read their settings once, so a changed one must start new pods. */ -}}
{{- $checksum := dict "checksum/config" (include "tocsin.config" $root | sha256sum) -}}
{{- $_ := set $template.metadata "annotations" (merge $checksum ($values.podAnnotations | default dict)) -}}
{{- end -}}

{{- define "tocsin.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end -}}

{{- /* The manifest's variables, without those that the values set, and then these. Each name stands once. */ -}}
{{- define "tocsin.env" -}}
{{- $secretName := (index . 0).Values.secretName -}}
{{- $values := index . 2 -}}
{{- $env := list -}}
{{- $named := concat (keys ($values.env | default dict)) ($values.secretEnv | default list) -}}
{{- range index . 1 }}{{ if not (has .name $named) }}{{ $env = append $env . }}{{ end }}{{ end -}}
{{- range $name, $value := $values.env -}}
{{- if not (kindIs "invalid" $value) }}{{ $env = append $env (dict "name" $name "value" (include "tocsin.word" $value)) }}{{ end -}}
{{- end -}}
{{- range $values.secretEnv -}}
{{- $env = append $env (dict "name" . "valueFrom" (dict "secretKeyRef" (dict "name" $secretName "key" .))) -}}
{{- end -}}
{{- range $name, $key := $values.secretKeys -}}
{{- $taken := false -}}
{{- range $env -}}
{{- if and (eq .name $name) (hasKey . "valueFrom") }}{{ $_ := set .valueFrom.secretKeyRef "key" $key }}{{ $taken = true }}{{ end -}}
{{- end -}}
{{- if not $taken }}{{ fail (printf "%s in secretKeys is no setting that the pod takes from the Secret: name it in secretEnv" $name) }}{{ end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}
