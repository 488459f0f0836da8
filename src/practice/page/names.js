const slackbot = { id: 'USLACKBOT', name: 'slackbot', realName: 'Slackbot' };

/** Names of people, channels and groups, and the time, out of the workspace as it is now; unknown ids are shown as they are. */
export function namesOf(state) {
  const names = {
    get me() {
      return state.as;
    },
    get appId() {
      return state.app.id;
    },
    now: () => Date.now() + state.clockOffsetMs,
    person: (id) => (id === slackbot.id ? slackbot : (state.people.find((p) => p.id === id) ?? { id, name: id, realName: id })),
    people: () => state.people.filter((p) => !p.bot),
    user: (id) => names.person(id).name,
    channel: (id) => state.channels.find((c) => c.id === id)?.name ?? id,
    group: (id) => state.groups.find((g) => g.id === id)?.handle ?? id,
    inGroup: (id) => state.groups.find((g) => g.id === id)?.users.includes(state.as) ?? false,
  };
  return names;
}
