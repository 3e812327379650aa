//! The statements of the registry of prompts, and of what was executed with it.
//!
//! Comes in: a connection; inside of a transaction for what writes. Goes out: plain rows. What they mean is said in [`crate::prompts`].

pub(crate) mod executions;
pub(crate) mod samples;
pub(crate) mod statistics;
mod tables;

pub(crate) use tables::{ExperimentRow, IndexRow, LabelRow, TemplateRow};

use super::dialect::Connection;
use super::value::{Column, Kind, Row, Table, Value};

static TEMPLATES: Table = TemplateRow::TABLE;
static LABELS: Table = LabelRow::TABLE;
static EXPERIMENTS: Table = ExperimentRow::TABLE;

/// Keeps other writers to the registry waiting until the end of the transaction, and lets readers see that something has changed.
pub(crate) async fn begin_change(connection: &mut Connection) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO prompt_registry (id, revision) VALUES (1, 1)
        ON CONFLICT (id) DO UPDATE SET revision = prompt_registry.revision + 1";
    connection.run(sql, Vec::new()).await.map(|_| ())
}

/// Keeps what a transaction did, or undoes it after an error.
pub(crate) async fn end<T, E: From<sqlx::Error>>(connection: &mut Connection, done: Result<T, E>) -> Result<T, E> {
    match done {
        Ok(done) => {
            connection.commit().await?;
            Ok(done)
        }
        Err(error) => {
            // The first error is the one that matters; a connection that cannot roll back refuses the next `BEGIN`, and is replaced.
            let _ = connection.rollback().await;
            Err(error)
        }
    }
}

/// A number that is another one after every change of the registry.
pub(crate) async fn revision(connection: &mut Connection) -> Result<i64, sqlx::Error> {
    let column = [Column { name: "revision", kind: Kind::Int }];
    let rows = connection.fetch("SELECT revision FROM prompt_registry", Vec::new(), &column).await?;
    Ok(match rows.first().map(Vec::as_slice) {
        Some([Value::Int(revision)]) => *revision,
        _ => 0,
    })
}

/// The rows of a table; `rest` is what follows its name.
pub(crate) async fn select<R: Row>(
    connection: &mut Connection,
    rest: &str,
    arguments: Vec<Value>,
) -> Result<Vec<R>, sqlx::Error> {
    let sql = format!("SELECT {} FROM {} {rest}", connection.selection(&R::TABLE), R::TABLE.name);
    let rows = connection.fetch(sql, arguments, R::TABLE.columns).await?;
    let malformed = || sqlx::Error::Decode(format!("a row of {} has a column of another type", R::TABLE.name).into());
    rows.into_iter().map(|cells| R::from_cells(cells).ok_or_else(malformed)).collect()
}

/// All versions of a prompt, the oldest first.
pub(crate) async fn versions(
    connection: &mut Connection,
    registry_name: &str,
) -> Result<Vec<TemplateRow>, sqlx::Error> {
    select(connection, "WHERE registry_name = $1 ORDER BY version", vec![registry_name.into()]).await
}

/// One version of a prompt.
pub(crate) async fn version(
    connection: &mut Connection,
    registry_name: &str,
    version: u32,
) -> Result<Option<TemplateRow>, sqlx::Error> {
    let arguments = vec![registry_name.into(), Value::Int(version.into())];
    let rows = select(connection, "WHERE registry_name = $1 AND version = $2", arguments).await?;
    Ok(rows.into_iter().next())
}

/// The newest version of a prompt, whether active or not.
pub(crate) async fn newest(
    connection: &mut Connection,
    registry_name: &str,
) -> Result<Option<TemplateRow>, sqlx::Error> {
    let rest = "WHERE registry_name = $1 ORDER BY version DESC LIMIT 1";
    Ok(select(connection, rest, vec![registry_name.into()]).await?.into_iter().next())
}

/// The newest active version of a prompt.
pub(crate) async fn newest_active(
    connection: &mut Connection,
    registry_name: &str,
) -> Result<Option<TemplateRow>, sqlx::Error> {
    let rest = "WHERE registry_name = $1 AND is_active ORDER BY version DESC LIMIT 1";
    Ok(select(connection, rest, vec![registry_name.into()]).await?.into_iter().next())
}

/// The newest version of a prompt that has exactly this text.
pub(crate) async fn version_with_text(
    connection: &mut Connection,
    registry_name: &str,
    hash: &str,
) -> Result<Option<TemplateRow>, sqlx::Error> {
    let rest = "WHERE registry_name = $1 AND template_hash = $2 ORDER BY version DESC LIMIT 1";
    Ok(select(connection, rest, vec![registry_name.into(), hash.into()]).await?.into_iter().next())
}

/// All versions of all prompts, without their texts.
pub(crate) async fn index(connection: &mut Connection) -> Result<Vec<IndexRow>, sqlx::Error> {
    select(connection, "ORDER BY registry_name, version", Vec::new()).await
}

/// Versions by their ids.
pub(crate) async fn by_ids(connection: &mut Connection, ids: Vec<String>) -> Result<Vec<TemplateRow>, sqlx::Error> {
    let rest = format!("WHERE id{}", connection.in_list());
    select(connection, &rest, vec![Value::List(ids)]).await
}

/// Adds a version; its statistics begin at nothing.
pub(crate) async fn add(connection: &mut Connection, row: TemplateRow) -> Result<(), sqlx::Error> {
    connection.insert(&TEMPLATES, vec![row.into_cells()]).await
}

/// Says whether a version may be chosen; returns whether there is such a version.
pub(crate) async fn set_active(
    connection: &mut Connection,
    registry_name: &str,
    version: u32,
    is_active: bool,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE prompt_templates SET is_active = $3 WHERE registry_name = $1 AND version = $2";
    let arguments = vec![registry_name.into(), Value::Int(version.into()), Value::Bool(is_active)];
    Ok(connection.run(sql, arguments).await? > 0)
}

/// The labels of a prompt, by name; of all prompts without a name.
pub(crate) async fn labels(
    connection: &mut Connection,
    registry_name: Option<&str>,
) -> Result<Vec<LabelRow>, sqlx::Error> {
    match registry_name {
        Some(name) => select(connection, "WHERE registry_name = $1 ORDER BY label", vec![name.into()]).await,
        None => select(connection, "ORDER BY registry_name, label", Vec::new()).await,
    }
}

/// Lets a label point to a version.
pub(crate) async fn set_label(connection: &mut Connection, row: LabelRow) -> Result<(), sqlx::Error> {
    connection.insert(&LABELS, vec![row.into_cells()]).await
}

/// Removes a label; returns whether there was one.
pub(crate) async fn remove_label(
    connection: &mut Connection,
    registry_name: &str,
    label: &str,
) -> Result<bool, sqlx::Error> {
    let sql = "DELETE FROM prompt_labels WHERE registry_name = $1 AND label = $2";
    Ok(connection.run(sql, vec![registry_name.into(), label.into()]).await? > 0)
}

/// The experiments of a prompt, the newest first.
pub(crate) async fn experiments_of(
    connection: &mut Connection,
    registry_name: &str,
) -> Result<Vec<ExperimentRow>, sqlx::Error> {
    let rest = "WHERE registry_name = $1 ORDER BY started_at DESC, id";
    select(connection, rest, vec![registry_name.into()]).await
}

/// All experiments, the newest first.
pub(crate) async fn experiments(connection: &mut Connection) -> Result<Vec<ExperimentRow>, sqlx::Error> {
    select(connection, "ORDER BY started_at DESC, id", Vec::new()).await
}

/// The experiments that run.
pub(crate) async fn running(connection: &mut Connection) -> Result<Vec<ExperimentRow>, sqlx::Error> {
    select(connection, "WHERE status = 'running' ORDER BY registry_name", Vec::new()).await
}

/// One experiment.
pub(crate) async fn experiment(connection: &mut Connection, id: &str) -> Result<Option<ExperimentRow>, sqlx::Error> {
    Ok(select(connection, "WHERE id = $1", vec![id.into()]).await?.into_iter().next())
}

/// Writes an experiment; one that exists is replaced.
pub(crate) async fn write_experiment(connection: &mut Connection, row: ExperimentRow) -> Result<(), sqlx::Error> {
    connection.insert(&EXPERIMENTS, vec![row.into_cells()]).await
}

/// Notes on the versions of a prompt which of them is which arm, and of how much of the traffic; on the others that they are none.
pub(crate) async fn mark_arms(
    connection: &mut Connection,
    registry_name: &str,
    arms: &[(u32, &str, f64)],
) -> Result<(), sqlx::Error> {
    statistics::lock_versions(connection, registry_name).await?;
    let clear = "UPDATE prompt_templates SET ab_test_group = NULL, traffic_percentage = NULL
        WHERE registry_name = $1 AND ab_test_group IS NOT NULL";
    connection.run(clear, vec![registry_name.into()]).await?;
    let mark = "UPDATE prompt_templates SET ab_test_group = $3, traffic_percentage = $4
        WHERE registry_name = $1 AND version = $2";
    for (version, group, percent) in arms {
        let arguments =
            vec![registry_name.into(), Value::Int((*version).into()), (*group).into(), Value::Float(*percent)];
        connection.run(mark, arguments).await?;
    }
    Ok(())
}
