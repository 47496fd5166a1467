# The task server with the page of `cargo xtask dist`, and the testbed beside it. See docker-compose.yml
# for an example and docs/production.md for what a deployment needs.

FROM node:24-bookworm-slim AS node

FROM rust:1.95-bookworm AS build
# npm installs wasm-opt for the page.
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && rustup target add wasm32-unknown-unknown
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package taskwright-server --package taskwright-testbed
RUN cargo xtask dist

FROM debian:bookworm-slim
# Root certificates, for requests to the model endpoint and to Vault.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home taskwright \
    && install --directory --owner taskwright --mode 700 /data
COPY --from=build /src/target/release/taskwright-server /src/target/release/taskwright-testbed /usr/local/bin/
COPY --from=build /src/dist /app
USER taskwright
VOLUME /data
EXPOSE 8080
# Exits with the status of grep: there is no curl in the image.
HEALTHCHECK --interval=10s --timeout=3s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3; grep -q '200 OK' <&3"]
ENTRYPOINT ["taskwright-server", "--host", "0.0.0.0", "--data-dir", "/data", "--static-dir", "/app"]
