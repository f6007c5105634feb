-- Keys that do something while there is a suggestion, and else what they did before.

local accept = require('octet.accept')
local completion = require('octet.completion')
local menu = require('octet.menu')

local M = {}

-- What a key does, and whether it wants a suggestion on the screen. `text`: it changes the text, as one undo step.
local kActions = {
  accept = { run = function() accept.take('all') end, wants_suggestion = true, text = true },
  accept_word = { run = function() accept.take('word') end, wants_suggestion = true, text = true },
  accept_line = { run = function() accept.take('line') end, wants_suggestion = true, text = true },
  next = { run = function() completion.cycle(1) end, wants_suggestion = true },
  previous = { run = function() completion.cycle(-1) end, wants_suggestion = true },
  dismiss = { run = completion.dismiss, wants_suggestion = true },
  trigger = { run = completion.trigger },
}

---@type {lhs: string, ours: string, rhs: string?, attributes: table?}[] with what they did before
local mapped = {}

local function plug(name)
  return ('<Plug>(octet-%s)'):format(name:gsub('_', '-'))
end

local function keys(text)
  return vim.api.nvim_replace_termcodes(text, true, true, true)
end

--- Does what the action is.
---@param name string
function M.run(name)
  kActions[name].run()
end

--- Behind a mapped key: the action, or what the key did before. Decided here and not in an expression mapping: Neovim evaluates those
--- before it has put the characters typed just before into the buffer.
---@param name string
function M.on_key(name)
  local is_ours = not kActions[name].wants_suggestion or (completion.visible() ~= nil and not menu.is_open())
  vim.api.nvim_feedkeys(keys(plug(is_ours and name or 'else_' .. name)), 'mi', false)
end

--- Presses an action's keys before all that is still to be read; for the user's own mappings.
---@param name string
---@return boolean done
function M.press(name)
  if kActions[name].wants_suggestion and not completion.visible() then
    return false
  end
  vim.api.nvim_feedkeys(keys(plug(name)), 'mi', false)
  return true
end

--- <Plug>(octet-accept) and its kin, for insert mode.
function M.define_plugs()
  for name, action in pairs(kActions) do
    local command = ("<Cmd>lua require('octet.keys').run('%s')<CR>"):format(name)
    local undo_break = action.text and '<C-g>u' or ''
    vim.api.nvim_set_keymap('i', plug(name), undo_break .. command .. undo_break, { noremap = true, silent = true })
  end
end

-- What a key is mapped to in all buffers, as nvim_set_keymap takes it.
---@return string? rhs
---@return table? attributes
local function old_mapping(lhs)
  for _, old in ipairs(vim.api.nvim_get_keymap('i')) do
    if keys(old.lhs) == keys(lhs) then
      local rhs = (old.rhs or ''):gsub('<[Ss][Ii][Dd]>', ('<SNR>%d_'):format(old.sid or 0))
      return rhs,
        {
          expr = old.expr == 1,
          noremap = old.noremap == 1,
          silent = old.silent == 1,
          callback = old.callback,
          replace_keycodes = old.replace_keycodes == 1 or nil, -- 0.8
        }
    end
  end
end

local function map_one(name, lhs)
  local rhs, attributes = old_mapping(lhs)
  local kept = vim.tbl_extend('force', {}, attributes or { noremap = true })
  if rhs and vim.startswith(rhs:lower(), lhs:lower()) then
    kept.noremap = true -- as Neovim does not map the key again that a mapping begins with
  end
  vim.api.nvim_set_keymap('i', plug('else_' .. name), rhs or lhs, kept)
  local command = ("<Cmd>lua require('octet.keys').on_key('%s')<CR>"):format(name)
  vim.api.nvim_set_keymap('i', lhs, command, { noremap = true, silent = true })
  table.insert(mapped, { lhs = lhs, ours = (old_mapping(lhs)), rhs = rhs, attributes = attributes })
end

--- Maps the keys of the options; those of before do again what they did without us.
---@param keymaps octet.Keymaps|false
function M.map(keymaps)
  for _, key in ipairs(mapped) do
    if old_mapping(key.lhs) == key.ours then -- nobody mapped it since
      vim.api.nvim_del_keymap('i', key.lhs)
      if key.rhs then
        vim.api.nvim_set_keymap('i', key.lhs, key.rhs, key.attributes)
      end
    end
  end
  mapped = {}
  for name, lhs in pairs(keymaps or {}) do
    if lhs then
      map_one(name, lhs)
    end
  end
end

return M
