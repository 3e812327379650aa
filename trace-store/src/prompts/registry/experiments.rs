//! Experiments of the registry: start, stop, what was measured.

use super::super::experiment::ExperimentStatus;
use super::super::{ArmSamples, Experiment, ExperimentPlan, RegistryError, StickyKey};
use super::{Registry, exists};
use crate::sql::prompts::{self as sql, ExperimentRow};
use crate::sql::{Json, Session, now};

impl Registry {
    /// Starts an experiment. A prompt has one at a time.
    ///
    /// # Errors
    /// [`RegistryError::Experiment`], [`RegistryError::NoSuchVersion`], or [`RegistryError::Database`].
    pub async fn start_experiment(&self, plan: ExperimentPlan) -> Result<Experiment, RegistryError> {
        let registry_name = self.name(&plan.prompt);
        let arms = plan.checked_arms(&registry_name)?;
        let mut session = self.session().await;
        session.begin("starting an experiment").await?;
        let started = async {
            for arm in &arms {
                exists(&mut session, &registry_name, arm.version).await?;
            }
            let earlier = sql::experiments_of(session.open("starting an experiment")?, &registry_name).await;
            let earlier = session.done(earlier)?;
            if let Some(running) = earlier.iter().find(|row| row.status == "running") {
                let reason = format!("`{}` ({}) is running: stop it first", running.name, running.id);
                return Err(RegistryError::Experiment { registry_name, reason });
            }
            let id = format!("exp_{registry_name}_{}", earlier.len() + 1);
            let experiment = Experiment {
                name: if plan.name.is_empty() { id.clone() } else { plan.name },
                id,
                registry_name,
                arms,
                key: plan.key,
                status: ExperimentStatus::Running,
                started_at: now(),
                ended_at: None,
            };
            write(&mut session, &experiment).await?;
            Ok(experiment)
        }
        .await;
        self.end(&mut session, started).await
    }

    /// Stops an experiment; one that is over stays as it is. Renderings go back to label and latest version.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchExperiment`], or [`RegistryError::Database`].
    pub async fn stop_experiment(&self, id: &str) -> Result<Experiment, RegistryError> {
        let mut session = self.session().await;
        session.begin("stopping an experiment").await?;
        let stopped = async {
            let mut experiment = find(&mut session, id).await?;
            if experiment.status == ExperimentStatus::Running {
                (experiment.status, experiment.ended_at) = (ExperimentStatus::Stopped, Some(now()));
                write(&mut session, &experiment).await?;
            }
            Ok(experiment)
        }
        .await;
        self.end(&mut session, stopped).await
    }

    /// One experiment.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchExperiment`], or [`RegistryError::Database`].
    pub async fn experiment(&self, id: &str) -> Result<Experiment, RegistryError> {
        let mut session = self.session().await;
        session.connection("reading an experiment").await?;
        find(&mut session, id).await
    }

    /// The experiments of a prompt, or of all, the newest first.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    pub async fn list_experiments(&self, name: Option<&str>) -> Result<Vec<Experiment>, RegistryError> {
        let registry_name = name.map(|name| self.name(name));
        let mut session = self.session().await;
        let connection = session.connection("listing experiments").await?;
        let rows = match &registry_name {
            Some(name) => sql::experiments_of(connection, name).await,
            None => sql::experiments(connection).await,
        };
        Ok(session.done(rows)?.into_iter().map(Experiment::of_row).collect())
    }

    /// What was measured in an experiment so far, arm by arm.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchExperiment`], or [`RegistryError::Database`].
    pub async fn arm_samples(&self, id: &str) -> Result<Vec<ArmSamples>, RegistryError> {
        let mut session = self.session().await;
        session.connection("reading the samples of an experiment").await?;
        let experiment = find(&mut session, id).await?;
        let rows = sql::samples::of_experiment(session.open("reading the samples of an experiment")?, id).await;
        Ok(experiment.sorted(session.done(rows)?))
    }
}

async fn find(session: &mut Session, id: &str) -> Result<Experiment, RegistryError> {
    let row = sql::experiment(session.open("reading an experiment")?, id).await;
    let found = session.done(row)?.map(Experiment::of_row);
    found.ok_or_else(|| RegistryError::NoSuchExperiment { id: id.to_owned() })
}

/// Writes an experiment, and notes its arms on the versions while it runs.
async fn write(session: &mut Session, experiment: &Experiment) -> Result<(), RegistryError> {
    let is_running = experiment.status == ExperimentStatus::Running;
    let row = ExperimentRow {
        id: experiment.id.clone(),
        registry_name: experiment.registry_name.clone(),
        name: experiment.name.clone(),
        arms: Json::of(&experiment.arms),
        status: if is_running { "running" } else { "stopped" }.to_owned(),
        started_at: experiment.started_at,
        ended_at: experiment.ended_at,
        metadata: Json::of(&serde_json::Map::new()),
        sticky_key: if experiment.key == StickyKey::User { "user" } else { "session" }.to_owned(),
    };
    let arms: Vec<(u32, &str, f64)> = if is_running {
        experiment.arms.iter().map(|arm| (arm.version, arm.group.as_str(), arm.percent)).collect()
    } else {
        Vec::new()
    };
    let connection = session.open("writing an experiment")?;
    let written = async {
        sql::write_experiment(connection, row).await?;
        sql::mark_arms(connection, &experiment.registry_name, &arms).await
    }
    .await;
    Ok(session.done(written)?)
}
