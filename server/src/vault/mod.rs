//! HashiCorp Vault and OpenBao: where the server may find its tokens and the key of the model
//! endpoint.

pub mod vault_client;
pub mod vault_error;
pub mod vault_reader;
pub mod vault_settings;
