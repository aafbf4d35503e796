\restrict imkiNL6EePB3FyFClTeyQEzZ244fDso9HVBQYagg5ob4YiqbPjflsNdXpu0Rxge

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: btree_gin; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;


--
-- Name: EXTENSION btree_gin; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION btree_gin IS 'support for indexing common datatypes in GIN';


--
-- Name: task_priority; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.task_priority AS ENUM (
    'none',
    'low',
    'medium',
    'high'
);


--
-- Name: labels_fit(text[], integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.labels_fit(labels text[], longest integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT COALESCE(bool_and(((char_length(label.label) >= 1) AND (char_length(label.label) <= labels_fit.longest))), true) AS "coalesce" FROM unnest(labels_fit.labels) label(label));


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: categories; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.categories (
    owner_id text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    name text NOT NULL,
    color text,
    "position" integer NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    live boolean GENERATED ALWAYS AS ((deleted_at IS NULL)) STORED NOT NULL,
    CONSTRAINT categories_color_pattern CHECK ((color ~ '^#[0-9A-Fa-f]{6}$'::text)),
    CONSTRAINT categories_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT categories_position_range CHECK ((("position" >= 0) AND ("position" <= 1000000))),
    CONSTRAINT categories_revision_range CHECK ((revision >= 0))
);


--
-- Name: rate_limits; Type: TABLE; Schema: public; Owner: -
--

CREATE UNLOGGED TABLE public.rate_limits (
    key text NOT NULL,
    points integer NOT NULL,
    expire bigint
);


--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    version character varying(128) NOT NULL
);


--
-- Name: tasks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tasks (
    owner_id text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    category_id uuid,
    category_live boolean GENERATED ALWAYS AS (true) STORED NOT NULL,
    title text NOT NULL,
    description text,
    completed boolean GENERATED ALWAYS AS ((completed_at IS NOT NULL)) STORED NOT NULL,
    completed_at timestamp with time zone,
    priority public.task_priority NOT NULL,
    due_date date,
    due_time time without time zone,
    time_zone text,
    labels text[] NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT tasks_description_length CHECK (((char_length(description) >= 1) AND (char_length(description) <= 10000))),
    CONSTRAINT tasks_due_date_range CHECK (((due_date >= '0001-01-01'::date) AND (due_date <= '9999-12-31'::date))),
    CONSTRAINT tasks_due_time_needs_due_date CHECK (((due_time IS NULL) OR (due_date IS NOT NULL))),
    CONSTRAINT tasks_labels_count CHECK ((cardinality(labels) <= 50)),
    CONSTRAINT tasks_labels_length CHECK (public.labels_fit(labels, 50)),
    CONSTRAINT tasks_revision_range CHECK ((revision >= 0)),
    CONSTRAINT tasks_time_zone_length CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64))),
    CONSTRAINT tasks_title_length CHECK (((char_length(title) >= 1) AND (char_length(title) <= 500)))
);


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    id text NOT NULL COLLATE pg_catalog."C",
    email text,
    name text,
    time_zone text,
    revision bigint NOT NULL,
    profile_revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    task_room bigint DEFAULT 0 NOT NULL,
    category_room bigint DEFAULT 0 NOT NULL,
    start_revision bigint DEFAULT 0 NOT NULL,
    purged_revision bigint DEFAULT 0 NOT NULL,
    CONSTRAINT users_email_length CHECK (((char_length(email) >= 1) AND (char_length(email) <= 320))),
    CONSTRAINT users_id_length CHECK (((char_length(id) >= 1) AND (char_length(id) <= 255))),
    CONSTRAINT users_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT users_revision_of_profile CHECK (((profile_revision >= 0) AND (profile_revision <= revision))),
    CONSTRAINT users_revision_range CHECK ((revision >= 0)),
    CONSTRAINT users_time_zone_length CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64)))
);


--
-- Name: categories categories_live_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.categories
    ADD CONSTRAINT categories_live_key UNIQUE (owner_id, id, live);


--
-- Name: categories categories_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.categories
    ADD CONSTRAINT categories_pkey PRIMARY KEY (owner_id, id);


--
-- Name: rate_limits rate_limits_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (key);


--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);


--
-- Name: tasks tasks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (owner_id, id);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: categories_name_key; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX categories_name_key ON public.categories USING btree (owner_id, lower((name COLLATE "und-x-icu"))) WHERE (deleted_at IS NULL);


--
-- Name: categories_position_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX categories_position_idx ON public.categories USING btree (owner_id, "position", id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_category_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_category_idx ON public.tasks USING btree (owner_id, category_id);


--
-- Name: tasks_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_created_at_idx ON public.tasks USING btree (owner_id, created_at, id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_deleted_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_deleted_at_idx ON public.tasks USING btree (owner_id, deleted_at) WHERE (deleted_at IS NOT NULL);


--
-- Name: tasks_due_downwards_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_due_downwards_idx ON public.tasks USING btree (owner_id, COALESCE(due_date, '-infinity'::date), COALESCE(due_time, '24:00:00'::time without time zone), id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_due_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_due_idx ON public.tasks USING btree (owner_id, COALESCE(due_date, 'infinity'::date), COALESCE(due_time, '24:00:00'::time without time zone), id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_priority_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_priority_idx ON public.tasks USING btree (owner_id, priority, id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_title_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_title_idx ON public.tasks USING btree (owner_id, "left"(title, 100) COLLATE "und-x-icu", id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_updated_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_updated_at_idx ON public.tasks USING btree (owner_id, updated_at, id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_words_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_words_idx ON public.tasks USING gin (owner_id, to_tsvector('simple'::regconfig, ((title || ' '::text) || COALESCE(description, ''::text)))) WITH (fastupdate=off) WHERE (deleted_at IS NULL);


--
-- Name: categories categories_owner_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.categories
    ADD CONSTRAINT categories_owner_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: tasks tasks_category_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_category_fkey FOREIGN KEY (owner_id, category_id, category_live) REFERENCES public.categories(owner_id, id, live);


--
-- Name: tasks tasks_owner_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_owner_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--

\unrestrict imkiNL6EePB3FyFClTeyQEzZ244fDso9HVBQYagg5ob4YiqbPjflsNdXpu0Rxge


--
-- Dbmate schema migrations
--

INSERT INTO public.schema_migrations (version) VALUES
    ('20261120000001'),
    ('20261120000002'),
    ('20261120000003'),
    ('20261120000004'),
    ('20261120000005'),
    ('20261120000006'),
    ('20261120000007'),
    ('20261120000008'),
    ('20261120000009'),
    ('20261120000010'),
    ('20261120000011'),
    ('20261120000012'),
    ('20261120000013'),
    ('20261120000014'),
    ('20261120000015'),
    ('20261120000016'),
    ('20261120000017'),
    ('20261120000018'),
    ('20261120000019'),
    ('20261128000020'),
    ('20261128000040'),
    ('20261128000041'),
    ('20261128000042'),
    ('20261128000043');
