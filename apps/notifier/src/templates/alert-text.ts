/**
 * The mail as plain text. The values in braces are on one line already; the message may have lines, but no other
 * control characters. Plain text needs no escaping.
 */
export const ALERT_TEXT = `
{%- if headline != '' %}{{ headline }}

{% endif -%}
{{ severity_word }}: {{ title }}
{% if message != '' %}
{{ message }}
{% endif %}
{%- for fact in facts %}
{{ fact.name }}: {{ fact.value }}
{%- endfor %}
{%- for label in labels %}
{{ label.name }} = {{ label.value }}
{%- endfor %}
{% if acknowledge_url != '' %}
Acknowledge: {{ acknowledge_url }}
{%- endif %}
{%- if page_url != '' %}
Open: {{ page_url }}
{%- endif %}
{%- for action in actions %}
{{ action.label }}: {{ action.url }}
{%- endfor %}
{% if unsubscribe_url != '' %}
-- 
No more of these mails: {{ unsubscribe_url }}
{% endif %}`;
