# The server, what migrates its database, and the doctor: no tests, no embedded PostgreSQL. It runs as a user without rights and
# writes nothing: start it with a read-only root file system.
#
# The base is pinned to the very Node that the tests run on (a test compares it with package.json), on Debian because dbmate and the
# tests do. A tag can be moved: whoever builds for production adds the digest that their registry shows (node:…@sha256:…).
FROM node:26.10.0-slim AS packages
WORKDIR /app
# First what changes seldom, so that a change of the code doesn't install everything anew.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:26.10.0-slim
LABEL org.opencontainers.image.title="taskspec" \
      org.opencontainers.image.description="A multi-user task backend driven by one OpenAPI document" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
WORKDIR /app
# Belongs to root, so that the server can't change itself.
COPY --from=packages /app/node_modules ./node_modules
COPY package.json openapi.yaml ./
COPY db ./db
COPY generated ./generated
COPY src ./src
# By number, so that Kubernetes sees that it isn't root. It is the image's user `node`.
USER 1000:1000
EXPOSE 3000
# Alive, not ready: a server without its database would be restarted for nothing.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then(({ status }) => process.exit(status === 200 ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1: SIGTERM reaches it, and it answers what is under way.
STOPSIGNAL SIGTERM
CMD ["node", "src/main.ts"]
