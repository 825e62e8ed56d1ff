/**
 * The mail as HTML. The engine escapes every value (`outputEscape`), and every address was checked before to be http or
 * https. Mail programs support little more than tables and inline styles. The mail loads no picture, because a picture
 * would tell its server who reads the mail and when.
 */
export const ALERT_HTML = `<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<title>{{ subject }}</title>
<style>
a { color: #3b5bdb; }
@media (prefers-color-scheme: dark) {
  body, .page { background: #0d1015 !important; }
  .card { background: #14181f !important; border-color: #2a313c !important; }
  .text { color: #e9ecf1 !important; }
  .muted { color: #9aa4b2 !important; }
  .quiet { border-color: #69737f !important; color: #e9ecf1 !important; }
  a { color: #8da2ff; }
}
</style>
</head>
<body style="margin:0;padding:0;background:#f6f7f9;">
<div style="display:none;max-height:0;overflow:hidden;">{{ preview }}</div>
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background:#f6f7f9;">
<tr><td align="center" style="padding:24px 12px;">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;background:#ffffff;border:1px solid #dfe3e8;border-radius:10px;table-layout:fixed;">
<tr><td style="padding:24px;border-top:4px solid {{ colour }};border-radius:10px;font:15px/1.5 -apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;overflow-wrap:anywhere;word-break:break-word;">
<span style="display:inline-block;background:{{ colour }};color:{{ on_colour }};border-radius:4px;padding:2px 8px;font-size:12px;font-weight:700;letter-spacing:0.04em;">{{ severity_word }}</span>
{%- if headline != '' %}
<span class="muted" style="color:#576070;font-size:13px;">&nbsp;{{ headline }}</span>
{%- endif %}
<h1 class="text" dir="auto" style="margin:12px 0 0;font-size:20px;line-height:1.3;color:#14181f;">{{ title }}</h1>
{%- if message != '' %}
<p class="text" dir="auto" style="margin:12px 0 0;white-space:pre-wrap;color:#14181f;">{{ message }}</p>
{%- endif %}
{%- if acknowledge_url != '' or page_url != '' %}
<p style="margin:20px 0 0;">
{%- if acknowledge_url != '' %}
<a href="{{ acknowledge_url }}" rel="noopener noreferrer" style="display:inline-block;background:#3b5bdb;color:#ffffff;border:1px solid #3b5bdb;border-radius:6px;padding:9px 16px;margin:0 8px 8px 0;text-decoration:none;font-weight:600;">Acknowledge</a>
{%- endif %}
{%- if page_url != '' %}
<a class="quiet" href="{{ page_url }}" rel="noopener noreferrer" style="display:inline-block;color:#14181f;border:1px solid #8a93a1;border-radius:6px;padding:9px 16px;margin:0 8px 8px 0;text-decoration:none;font-weight:600;">{{ page_words }}</a>
{%- endif %}
</p>
{%- endif %}
{%- if actions.length > 0 %}
<p class="muted" style="margin:12px 0 0;color:#576070;">
{%- for action in actions %}
<a href="{{ action.url }}" rel="noopener noreferrer nofollow">{{ action.label }}</a> ({{ action.host }}){% unless forloop.last %}<br>{% endunless %}
{%- endfor %}
</p>
{%- endif %}
<table role="presentation" cellpadding="0" cellspacing="0" style="margin:20px 0 0;font-size:13px;line-height:1.6;">
{%- for fact in facts %}
<tr><td class="muted" valign="top" style="padding:0 16px 0 0;color:#576070;white-space:nowrap;">{{ fact.name }}</td><td class="text" dir="auto" style="color:#14181f;">{{ fact.value }}</td></tr>
{%- endfor %}
{%- for label in labels %}
<tr><td class="muted" valign="top" dir="auto" style="padding:0 16px 0 0;color:#576070;">{{ label.name }}</td><td class="text" dir="auto" style="color:#14181f;">{{ label.value }}</td></tr>
{%- endfor %}
</table>
</td></tr></table>
{%- if unsubscribe_url != '' %}
<p class="muted" style="margin:16px 0 0;color:#576070;font:12px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif;">Sent by Tocsin because your address is told of alerts of {{ tenant }}.
<a href="{{ unsubscribe_url }}" rel="noopener noreferrer">No more of these mails</a></p>
{%- endif %}
</td></tr></table>
</body>
</html>
`;
