# syntax=docker/dockerfile:1
# One image for all apps; the command chooses: node dist/apps/<app>/src/main.js. Never npm: it does not pass SIGTERM on.

FROM node:24-bookworm-slim AS development
RUN mkdir /app && chown node:node /app
USER node
WORKDIR /app
COPY --chown=node:node package.json package-lock.json .npmrc ./
RUN npm ci
COPY --chown=node:node nest-cli.json tsconfig.json ./
COPY --chown=node:node apps apps
COPY --chown=node:node libs libs
# The guide is made of the documents.
COPY --chown=node:node docs docs
COPY --chown=node:node README.md SECURITY.md ./
RUN node_modules/.bin/nest build --all && node_modules/.bin/vite build --logLevel warn apps/dashboard
CMD ["node", "--watch", "dist/apps/gateway/src/main.js"]

FROM development AS packages
COPY --chown=node:node scripts/bundle-packages.mjs scripts/bundle-packages.mjs
COPY --chown=node:node scripts/bundled-packages scripts/bundled-packages
RUN node scripts/bundle-packages.mjs && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
WORKDIR /app
# Owned by root and run by another: what runs cannot change what it is.
COPY --from=packages --chown=root:root /app/package.json ./
COPY --from=packages --chown=root:root /app/node_modules node_modules
COPY --from=packages --chown=root:root /app/dist dist
# For tocsin_build_info. After all that is copied, so that another commit alone copies nothing anew.
ARG BUILD_COMMIT=unknown
ENV BUILD_COMMIT=$BUILD_COMMIT
# The user `node`, as a number, so that Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 8000 9090
# /livez asks for nothing outside the process: a database that is away must not restart it. Each app has an admin port of
# its own by default.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=6 \
  CMD ["node", "-e", "const { ADMIN_PORT, LIVENESS_PATH } = process.env; Promise.any((ADMIN_PORT ? [ADMIN_PORT] : [9090, 9091, 9092]).map(async (port) => { const answer = await fetch(`http://127.0.0.1:${port}${LIVENESS_PATH || '/livez'}`); if (!answer.ok) throw answer; })).then(() => process.exit(0), () => process.exit(1))"]
CMD ["node", "dist/apps/gateway/src/main.js"]
