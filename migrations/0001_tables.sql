CREATE TABLE "audit" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp with time zone NOT NULL,
	"actor" jsonb NOT NULL,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"details" jsonb NOT NULL,
	"previous_hash" text NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"key" text PRIMARY KEY NOT NULL,
	"reply" jsonb,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "error_reports" (
	"reference" text PRIMARY KEY NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"where" text NOT NULL,
	"text" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "memberships" (
	"slack_team_id" text NOT NULL,
	"slack_user_id" text NOT NULL,
	"team" text NOT NULL,
	"role" text NOT NULL,
	CONSTRAINT "memberships_slack_team_id_slack_user_id_team_role_pk" PRIMARY KEY("slack_team_id","slack_user_id","team","role")
);
--> statement-breakpoint
CREATE TABLE "people" (
	"slack_team_id" text NOT NULL,
	"slack_user_id" text NOT NULL,
	"name" text NOT NULL,
	"admin" boolean DEFAULT false NOT NULL,
	"active" boolean DEFAULT true NOT NULL,
	CONSTRAINT "people_slack_team_id_slack_user_id_pk" PRIMARY KEY("slack_team_id","slack_user_id")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"token_hash" text PRIMARY KEY NOT NULL,
	"slack_team_id" text NOT NULL,
	"slack_user_id" text NOT NULL,
	"csrf" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sign_in_links" (
	"token_hash" text PRIMARY KEY NOT NULL,
	"slack_team_id" text NOT NULL,
	"slack_user_id" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"redeemed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "teams" (
	"name" text PRIMARY KEY NOT NULL,
	"channel" text,
	"alert_channel" text,
	"on_call" text,
	"escalate_to" text,
	"thresholds" jsonb
);
--> statement-breakpoint
CREATE TABLE "clusters" (
	"name" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"url" text NOT NULL,
	"web_url" text,
	"distribution" text,
	"team" text,
	"alert_channel" text,
	"options" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"paths_readable" boolean DEFAULT false NOT NULL,
	"observed" boolean DEFAULT false NOT NULL,
	"registered_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "distributions" (
	"name" text PRIMARY KEY NOT NULL,
	"version" text NOT NULL,
	"home" text NOT NULL,
	"is_default" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE TABLE "digests" (
	"channel" text NOT NULL,
	"day" text NOT NULL,
	"edition" integer NOT NULL,
	"message_id" text NOT NULL,
	"listed" jsonb NOT NULL,
	CONSTRAINT "digests_channel_day_pk" PRIMARY KEY("channel","day")
);
--> statement-breakpoint
CREATE TABLE "incident_events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "incident_events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"incident_id" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"text" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "incidents" (
	"id" text PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"job" text,
	"cluster" text,
	"cause" text NOT NULL,
	"state" text NOT NULL,
	"title" text NOT NULL,
	"facts" jsonb NOT NULL,
	"run_id" text,
	"message_id" text,
	"channel" text,
	"fallback_channels" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"fingerprint" text,
	"leader_id" text,
	"joined" integer DEFAULT 0 NOT NULL,
	"joined_at" timestamp with time zone,
	"painted" integer DEFAULT 0 NOT NULL,
	"fire_at" timestamp with time zone,
	"silenced" jsonb,
	"comebacks" integer DEFAULT 0 NOT NULL,
	"called_at" timestamp with time zone,
	"escalated_at" timestamp with time zone,
	"occurrences" integer DEFAULT 1 NOT NULL,
	"first_seen" timestamp with time zone NOT NULL,
	"last_seen" timestamp with time zone NOT NULL,
	"acked_by" jsonb,
	"acked_at" timestamp with time zone,
	"ack_reason" text,
	"ack_until" timestamp with time zone,
	"resolved_at" timestamp with time zone,
	"resolution" text
);
--> statement-breakpoint
CREATE TABLE "silences" (
	"id" text PRIMARY KEY NOT NULL,
	"scope" text NOT NULL,
	"name" text NOT NULL,
	"teams" jsonb,
	"reason" text NOT NULL,
	"by" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"until" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "job_versions" (
	"job" text NOT NULL,
	"number" integer NOT NULL,
	"definition" jsonb NOT NULL,
	"origin" text NOT NULL,
	"note" text,
	"created_by" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "job_versions_job_number_pk" PRIMARY KEY("job","number")
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"name" text PRIMARY KEY NOT NULL,
	"team" text NOT NULL,
	"kind" text NOT NULL,
	"mode" text NOT NULL,
	"project" text,
	"current_version" integer NOT NULL,
	"created_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" text PRIMARY KEY NOT NULL,
	"job" text NOT NULL,
	"version" integer NOT NULL,
	"cluster" text NOT NULL,
	"flink_job_id" text NOT NULL,
	"application" text,
	"silent_since" timestamp with time zone,
	"operation_id" text NOT NULL,
	"state" text NOT NULL,
	"state_at" timestamp with time zone NOT NULL,
	"end_reason" text,
	"ended" boolean DEFAULT false NOT NULL,
	"ended_at" timestamp with time zone,
	"end_told" boolean DEFAULT false NOT NULL,
	"started_by" jsonb NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"running_at" timestamp with time zone,
	"flink_version" text,
	"beginning" text NOT NULL,
	"restored_from" text,
	"tasks_running" integer DEFAULT 0 NOT NULL,
	"tasks_total" integer DEFAULT 0 NOT NULL,
	"restarts" integer DEFAULT 0 NOT NULL,
	"last_checkpoint" jsonb,
	"checkpoints_read_at" timestamp with time zone,
	"checkpoint_interval_ms" integer,
	"checkpoint_retention" text,
	"failed_checkpoints" integer DEFAULT 0 NOT NULL,
	"root_exception" jsonb,
	"first_checkpoint" text DEFAULT 'waiting' NOT NULL,
	"lost_by" text,
	"last_words_due" boolean DEFAULT false NOT NULL,
	"flink_name" text,
	"twin" jsonb,
	"changed_in" bigint DEFAULT pg_current_xact_id()::text::bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "approvals" (
	"id" text PRIMARY KEY NOT NULL,
	"operation_id" text NOT NULL,
	"plan_hash" text NOT NULL,
	"state" text NOT NULL,
	"requested_by" jsonb NOT NULL,
	"reason" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"decided_by" jsonb,
	"decided_at" timestamp with time zone,
	"decision_reason" text,
	CONSTRAINT "approvals_operation_id_unique" UNIQUE("operation_id")
);
--> statement-breakpoint
CREATE TABLE "operation_steps" (
	"operation_id" text NOT NULL,
	"name" text NOT NULL,
	"seq" integer NOT NULL,
	"title" text NOT NULL,
	"state" text NOT NULL,
	"intent" jsonb,
	"result" jsonb,
	"note" text,
	"crashes" integer DEFAULT 0 NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"done_at" timestamp with time zone,
	CONSTRAINT "operation_steps_operation_id_name_pk" PRIMARY KEY("operation_id","name")
);
--> statement-breakpoint
CREATE TABLE "operations" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"job" text NOT NULL,
	"state" text NOT NULL,
	"holds" boolean NOT NULL,
	"step" text,
	"input" jsonb NOT NULL,
	"plan" jsonb,
	"plan_hash" text,
	"idem_key" text NOT NULL,
	"actor" jsonb NOT NULL,
	"origin" jsonb NOT NULL,
	"message_id" text NOT NULL,
	"break_glass" text,
	"approved_by" jsonb,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"owner" text,
	"lease_until" timestamp with time zone,
	"cancel_requested_at" timestamp with time zone,
	"cancel_requested_by" jsonb,
	"turned" jsonb,
	"crashes" integer DEFAULT 0 NOT NULL,
	"outcome" jsonb,
	"created_at" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	CONSTRAINT "operations_idem_key_unique" UNIQUE("idem_key")
);
--> statement-breakpoint
CREATE TABLE "outbox_channels" (
	"channel_kind" text NOT NULL,
	"channel" text NOT NULL,
	"owner" text,
	"lease_until" timestamp with time zone,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"next_at" timestamp with time zone NOT NULL,
	"left" jsonb,
	CONSTRAINT "outbox_channels_channel_kind_channel_pk" PRIMARY KEY("channel_kind","channel")
);
--> statement-breakpoint
CREATE TABLE "outbox_messages" (
	"id" text PRIMARY KEY NOT NULL,
	"dedupe_key" text NOT NULL,
	"channel_kind" text DEFAULT 'slack' NOT NULL,
	"channel" text NOT NULL,
	"fallback_channels" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"notify_user" text,
	"moved_from" text,
	"thread_of" text,
	"thread_ts" text,
	"desired" jsonb NOT NULL,
	"desired_version" integer DEFAULT 1 NOT NULL,
	"sent_version" integer DEFAULT 0 NOT NULL,
	"sent_channel" text,
	"sent_ts" text,
	"sent_at" timestamp with time zone,
	"permalink" text,
	"state" text DEFAULT 'pending' NOT NULL,
	"priority" integer DEFAULT 2 NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_at" timestamp with time zone NOT NULL,
	"posting_since" timestamp with time zone,
	"owner" text,
	"lease_until" timestamp with time zone,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"last_error" text,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "outbox_messages_dedupe_key_unique" UNIQUE("dedupe_key")
);
--> statement-breakpoint
CREATE TABLE "artifact_chunks" (
	"sha256" text NOT NULL,
	"n" integer NOT NULL,
	"data" "bytea" NOT NULL,
	CONSTRAINT "artifact_chunks_sha256_n_pk" PRIMARY KEY("sha256","n")
);
--> statement-breakpoint
CREATE TABLE "artifacts" (
	"sha256" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"size" integer NOT NULL,
	"main_class" text,
	"source" text NOT NULL,
	"project" text,
	"build_id" text,
	"commit" text,
	"branch" text,
	"created_by" jsonb,
	"created_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "builds" (
	"id" text PRIMARY KEY NOT NULL,
	"project" text NOT NULL,
	"job" text,
	"operation_id" text NOT NULL,
	"branch" text,
	"commit" text,
	"subject" text,
	"state" text NOT NULL,
	"sha256" text,
	"size" integer,
	"log" text DEFAULT '' NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"finished_at" timestamp with time zone,
	"actor" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"name" text PRIMARY KEY NOT NULL,
	"team" text NOT NULL,
	"url" text NOT NULL,
	"branch" text,
	"credential" jsonb NOT NULL,
	"module" text,
	"build_args" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"artifact" text
);
--> statement-breakpoint
CREATE TABLE "checkpoints" (
	"run_id" text NOT NULL,
	"id" bigint NOT NULL,
	"job" text NOT NULL,
	"kind" text NOT NULL,
	"state" text NOT NULL,
	"triggered_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone NOT NULL,
	"duration_ms" bigint NOT NULL,
	"size" bigint,
	"written" bigint,
	"processed" bigint,
	"persisted" bigint,
	"unaligned" boolean,
	"path" text,
	"failure" text,
	CONSTRAINT "checkpoints_run_id_id_pk" PRIMARY KEY("run_id","id")
);
--> statement-breakpoint
CREATE TABLE "restore_points" (
	"id" text PRIMARY KEY NOT NULL,
	"job" text NOT NULL,
	"run_id" text NOT NULL,
	"version" integer NOT NULL,
	"kind" text NOT NULL,
	"path" text NOT NULL,
	"size" bigint,
	"duration_ms" integer,
	"taken_at" timestamp with time zone NOT NULL,
	"flink_version" text,
	"checkpoint_id" integer,
	"final" boolean DEFAULT false NOT NULL,
	"state" text DEFAULT 'available' NOT NULL,
	"operation_id" text,
	"pinned" jsonb,
	"goes_at" timestamp with time zone,
	"told_by" text,
	"told_version" integer,
	"disposal" jsonb
);
--> statement-breakpoint
CREATE TABLE "usual_checkpoints" (
	"job" text PRIMARY KEY NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"duration_ms" bigint NOT NULL,
	"size" bigint NOT NULL,
	"hours" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cluster_views" (
	"cluster" text PRIMARY KEY NOT NULL,
	"flink_version" text,
	"slots_total" integer,
	"slots_available" integer,
	"task_managers" integer,
	"job_manager" text,
	"job_manager_since" timestamp with time zone,
	"last_ok_at" timestamp with time zone,
	"last_tried_at" timestamp with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	"last_error" text,
	"owner" text,
	"lease_until" timestamp with time zone,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"flow_requests" bigint DEFAULT 0 NOT NULL,
	"flow_ms" bigint DEFAULT 0 NOT NULL,
	"flow_read_at" timestamp with time zone,
	"flow_runs" integer DEFAULT 0 NOT NULL,
	"flow_late" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "flows" (
	"run_id" text PRIMARY KEY NOT NULL,
	"read_at" timestamp with time zone NOT NULL,
	"gap_ms" bigint DEFAULT 0 NOT NULL,
	"memory" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"name" text PRIMARY KEY NOT NULL,
	"next_at" timestamp with time zone NOT NULL,
	"last_fired_at" timestamp with time zone
);
--> statement-breakpoint
CREATE INDEX "audit_subject" ON "audit" USING btree ("subject","id");--> statement-breakpoint
CREATE INDEX "deliveries_at" ON "deliveries" USING btree ("at");--> statement-breakpoint
CREATE INDEX "incident_events_incident" ON "incident_events" USING btree ("incident_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "incidents_open_key" ON "incidents" USING btree ("key") WHERE "incidents"."state" <> 'resolved';--> statement-breakpoint
CREATE INDEX "incidents_job" ON "incidents" USING btree ("job","first_seen");--> statement-breakpoint
CREATE INDEX "incidents_key" ON "incidents" USING btree ("key","resolved_at");--> statement-breakpoint
CREATE INDEX "incidents_message" ON "incidents" USING btree ("message_id");--> statement-breakpoint
CREATE INDEX "incidents_resolved" ON "incidents" USING btree ("resolved_at");--> statement-breakpoint
CREATE INDEX "incidents_leader" ON "incidents" USING btree ("leader_id");--> statement-breakpoint
CREATE INDEX "incidents_ack_until" ON "incidents" USING btree ("ack_until") WHERE "incidents"."ack_until" is not null;--> statement-breakpoint
CREATE INDEX "incidents_unpainted" ON "incidents" USING btree ("id") WHERE "incidents"."joined" > "incidents"."painted";--> statement-breakpoint
CREATE INDEX "silences_open" ON "silences" USING btree ("scope","name") WHERE "silences"."ended_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "runs_flink_job" ON "runs" USING btree ("cluster","flink_job_id");--> statement-breakpoint
CREATE INDEX "runs_job" ON "runs" USING btree ("job","started_at");--> statement-breakpoint
CREATE INDEX "runs_live" ON "runs" USING btree ("cluster","ended");--> statement-breakpoint
CREATE INDEX "runs_flink" ON "runs" USING btree ("cluster","flink_job_id");--> statement-breakpoint
CREATE INDEX "runs_changed" ON "runs" USING btree ("cluster","changed_in");--> statement-breakpoint
CREATE INDEX "runs_last_words" ON "runs" USING btree ("cluster") WHERE "runs"."last_words_due";--> statement-breakpoint
CREATE INDEX "runs_flink_name" ON "runs" USING btree ("cluster","flink_name");--> statement-breakpoint
CREATE INDEX "runs_twins" ON "runs" USING btree ("cluster") WHERE "runs"."twin" is not null;--> statement-breakpoint
CREATE INDEX "runs_untold" ON "runs" USING btree ("cluster") WHERE "runs"."ended" and not "runs"."end_told";--> statement-breakpoint
CREATE INDEX "approvals_pending" ON "approvals" USING btree ("state","expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "operations_one_holder" ON "operations" USING btree ("job") WHERE "operations"."holds" and "operations"."state" in ('queued','running','parked');--> statement-breakpoint
CREATE INDEX "operations_due" ON "operations" USING btree ("state","lease_until");--> statement-breakpoint
CREATE INDEX "operations_job" ON "operations" USING btree ("job","created_at");--> statement-breakpoint
CREATE INDEX "outbox_due" ON "outbox_messages" USING btree ("state","next_at") WHERE "outbox_messages"."state" in ('pending', 'failed');--> statement-breakpoint
CREATE INDEX "outbox_thread" ON "outbox_messages" USING btree ("thread_of") WHERE "outbox_messages"."state" in ('pending', 'failed');--> statement-breakpoint
CREATE INDEX "outbox_sent" ON "outbox_messages" USING btree ("sent_channel","sent_ts");--> statement-breakpoint
CREATE INDEX "outbox_sent_at" ON "outbox_messages" USING btree ("sent_at");--> statement-breakpoint
CREATE INDEX "outbox_failed" ON "outbox_messages" USING btree ("channel_kind","channel") WHERE "outbox_messages"."state" = 'failed';--> statement-breakpoint
CREATE INDEX "builds_job" ON "builds" USING btree ("job","started_at");--> statement-breakpoint
CREATE INDEX "checkpoints_job" ON "checkpoints" USING btree ("job","ended_at");--> statement-breakpoint
CREATE INDEX "checkpoints_ended" ON "checkpoints" USING btree ("ended_at");--> statement-breakpoint
CREATE INDEX "checkpoints_failed" ON "checkpoints" USING btree ("ended_at") WHERE "checkpoints"."state" = 'failed';--> statement-breakpoint
CREATE UNIQUE INDEX "restore_points_path" ON "restore_points" USING btree ("job","path");--> statement-breakpoint
CREATE INDEX "restore_points_job" ON "restore_points" USING btree ("job","taken_at");--> statement-breakpoint
CREATE INDEX "restore_points_run" ON "restore_points" USING btree ("run_id");--> statement-breakpoint
CREATE INDEX "restore_points_going" ON "restore_points" USING btree ("goes_at") WHERE "restore_points"."goes_at" is not null;