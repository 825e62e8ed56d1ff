/** What stands on the screen in place of a token. */
export const TOKEN_SHOWN = '…';
/** What is copied where the user's own token may not publish. */
export const TOKEN_NEEDED = '<a token with the scope events:publish>';

/**
 * Commands that publish a first alert over HTTP, by the name of their tab. Each runs as it is pasted, so it carries the
 * token.
 */
export const publishSamples = (origin: string, tenant: string, token: string): Record<string, string> => ({
  curl: `TOKEN='${token}'
curl ${origin}/api/v1/events \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{"tenant_id": "${tenant}", "service": "inventory",
       "severity": "urgent", "title": "Flour is low"}'`,
  Node: `const token = '${token}';
await fetch('${origin}/api/v1/events', {
  method: 'POST',
  headers: { Authorization: \`Bearer \${token}\`,
             'Content-Type': 'application/json' },
  body: JSON.stringify({ tenant_id: '${tenant}', service: 'inventory',
                         severity: 'urgent', title: 'Flour is low' }),
});`,
  Python: `import json, urllib.request
token = "${token}"
urllib.request.urlopen(urllib.request.Request(
    "${origin}/api/v1/events",
    json.dumps({"tenant_id": "${tenant}", "service": "inventory",
                "severity": "urgent", "title": "Flour is low"}).encode(),
    {"Authorization": "Bearer " + token, "Content-Type": "application/json"}))`,
});
