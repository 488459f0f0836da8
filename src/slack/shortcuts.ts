/** What a message's menu of shortcuts calls the one for incidents. */
export const acknowledgeShortcut = {
  type: 'message',
  name: 'Acknowledge',
  callback_id: 'acknowledge',
  description: 'Say that you look after the incident of this message',
} as const;
/** The shortcuts of the manifest (`features.shortcuts`); a test holds them against the listeners. */
export const shortcuts = [acknowledgeShortcut];
