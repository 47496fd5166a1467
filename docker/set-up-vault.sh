#!/bin/sh
# Prepares the Vault of docker-compose.yml: a CORS rule for the page, sample secrets, and a role that
# lets the server read its own. Everything here is a sample: never use these values elsewhere.
# Needs the program `bao`, with BAO_ADDR and BAO_TOKEN.
set -eu

tries=0
until bao status >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -ge 60 ]; then
    echo "Vault did not start" >&2
    exit 1
  fi
  sleep 1
done

# Lets the page at these origins read from Vault.
bao write sys/config/cors \
  allowed_origins="${PAGE_ORIGINS:-http://localhost:8080,http://127.0.0.1:8080}"

# What the server reads. The model's key stays here and in the server.
bao kv put -mount=secret taskwright \
  AGENT_API_TOKEN=sample-task-token \
  AGENT_MODEL_TOKEN=sample-model-token \
  OPENAI_API_KEY="${OPENAI_API_KEY:-sample-model-key}"

# What a person reads in the page: the API key of the gateway is an agent token.
bao kv put -mount=secret taskwright-page \
  AGENT_API_TOKEN=sample-task-token \
  OPENAI_API_KEY=sample-model-token

bao policy write taskwright-server - <<'POLICY'
path "secret/data/taskwright" { capabilities = ["read"] }
POLICY
bao policy write taskwright-page - <<'POLICY'
path "secret/data/taskwright-page" { capabilities = ["read"] }
POLICY

# The server signs in by AppRole, with an id and a secret that docker-compose.yml knows.
bao auth list | grep -q '^approle/' || bao auth enable approle
bao write auth/approle/role/taskwright \
  token_policies=taskwright-server token_ttl=20m token_max_ttl=24h
bao write auth/approle/role/taskwright/role-id role_id=sample-role
# A secret id cannot be written twice, so an earlier one is destroyed. On the first run there is none.
bao write auth/approle/role/taskwright/secret-id/destroy secret_id=sample-secret >/dev/null 2>&1 || true
bao write auth/approle/role/taskwright/custom-secret-id secret_id=sample-secret >/dev/null

# A person signs in by name.
bao auth list | grep -q '^userpass/' || bao auth enable userpass
bao write auth/userpass/users/sample \
  password=sample-password token_policies=taskwright-page token_ttl=8h

echo "Vault is prepared"
