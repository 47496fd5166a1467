//! Reads the secrets again while the server runs: at an interval if they are in Vault, and on `SIGHUP`.

use std::time::Instant;

use crate::app::App;
use crate::secret_sources::SecretSources;
use crate::signals::ReloadSignal;

/// Reads the secrets again whenever that is due; never ends. A reading that fails changes nothing: the
/// server continues with what it has, and the log says so.
pub async fn keep_fresh(mut sources: SecretSources, app: App, mut reload: ReloadSignal) {
    let mut failures: u32 = 0;
    loop {
        let is_asked = match sources.pause(failures, Instant::now()) {
            Some(pause) => tokio::select! {
                () = tokio::time::sleep(pause) => false,
                () = reload.received() => true,
            },
            None => {
                reload.received().await;
                true
            }
        };
        let outcome = match sources.read().await {
            Ok(secrets) => app.replace_secrets(secrets),
            Err(error) => Err(error),
        };
        let is_news = is_asked || failures > 0;
        failures = match outcome {
            Ok(_) => 0,
            Err(_) => failures.saturating_add(1),
        };
        match outcome {
            Ok(changed) if is_news || changed => {
                tracing::info!(changed, "the secrets were read again");
            }
            Ok(_) => tracing::debug!("the secrets were read again"),
            Err(error) => tracing::warn!(
                code = error.code(),
                error = %error,
                hint = error.hint(),
                "the secrets could not be read again; those that are held stay in use"
            ),
        }
    }
}
