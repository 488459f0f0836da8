CREATE TABLE "clock_offset" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"offset_ms" bigint DEFAULT 0 NOT NULL
);

--> statement-breakpoint
INSERT INTO "clock_offset" ("id", "offset_ms") VALUES (1, 0);
--> statement-breakpoint
-- The clock of every deadline and lease. STABLE, though the clock moves within a statement: only then are indexes used.
CREATE FUNCTION "sluice_now"() RETURNS timestamp with time zone LANGUAGE sql STABLE AS
$$ SELECT clock_timestamp() + coalesce((SELECT "offset_ms" FROM "clock_offset" WHERE "id" = 1), 0) * interval '1 millisecond' $$;
