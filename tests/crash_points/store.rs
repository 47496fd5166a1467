//! The browser's store: records exist once their transaction has committed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use taskwright::ports::{Durability, Entry, Store, StoreError, Table};

/// The committed records. They survive a crash of the page.
#[derive(Clone, Default)]
pub struct Committed {
    records: Rc<RefCell<BTreeMap<(&'static str, String), String>>>,
}

impl Committed {
    /// The record with this key.
    pub fn get(&self, table: Table, key: &str) -> Option<String> {
        self.records
            .borrow()
            .get(&(table.name(), key.to_owned()))
            .cloned()
    }

    /// Loses all records, as if the operator or the browser cleared the site's data.
    pub fn clear(&self) {
        self.records.borrow_mut().clear();
    }

    /// Commits a transaction.
    pub fn commit(&self, entries: &[Entry]) {
        let mut records = self.records.borrow_mut();
        for entry in entries {
            records.insert((entry.table.name(), entry.key.clone()), entry.text.clone());
        }
    }
}

impl Store for Committed {
    async fn write(&self, entries: Vec<Entry>, _durability: Durability) -> Result<(), StoreError> {
        self.commit(&entries);
        Ok(())
    }

    async fn read(&self, table: Table, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self.get(table, key))
    }

    async fn read_all(&self, table: Table, prefix: &str) -> Result<Vec<String>, StoreError> {
        let records = self.records.borrow();
        Ok(records
            .iter()
            .filter(|((name, key), _)| *name == table.name() && key.starts_with(prefix))
            .map(|(_, text)| text.clone())
            .collect())
    }

    async fn delete(&self, tables: &[Table], prefix: &str) -> Result<(), StoreError> {
        let names: Vec<_> = tables.iter().map(|table| table.name()).collect();
        self.records
            .borrow_mut()
            .retain(|(name, key), _| !(names.contains(name) && key.starts_with(prefix)));
        Ok(())
    }
}
