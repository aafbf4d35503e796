# The image has the server, the migrations and the programs of operators; no tests and no embedded PostgreSQL. It runs as an
# unprivileged user and writes no files, so start it with a read-only root file system.
#
# The base has the Node version of the tests (a test compares it with package.json), on Debian, which dbmate needs. A tag can move:
# for production, add the digest from your registry (node:…@sha256:…).
FROM node:26.10.0-slim AS packages
WORKDIR /app
# Packages first: a change of the code does not install them again.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:26.10.0-slim
LABEL org.opencontainers.image.title="taskspec" \
      org.opencontainers.image.description="A multi-user task backend driven by one OpenAPI document" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
WORKDIR /app
# The files belong to root, so that the server cannot change them.
COPY --from=packages /app/node_modules ./node_modules
COPY package.json openapi.yaml ./
COPY db ./db
COPY generated ./generated
COPY src ./src
# As a number, so that Kubernetes can verify that it is not root. This is the user `node` of the image.
USER 1000:1000
EXPOSE 3000
# Checks liveness, not readiness: a restart does not help a server whose database is unavailable.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then(({ status }) => process.exit(status === 200 ? 0 : 1), () => process.exit(1))"]
# Node is process 1, so it receives SIGTERM and completes the requests in flight.
STOPSIGNAL SIGTERM
CMD ["node", "--max-semi-space-size=16", "src/main.ts"]
