-- Whether a menu of completions is open: Neovim's own, nvim-cmp's or blink.cmp's. Their keys come first.

local M = {}

local is_cmp_followed = false

---@return boolean
function M.is_open()
  if vim.fn.pumvisible() == 1 then
    return true
  end
  local cmp = package.loaded['cmp']
  if type(cmp) == 'table' and type(cmp.visible) == 'function' and cmp.visible() then
    return true
  end
  local blink = package.loaded['blink.cmp']
  local is_visible = type(blink) == 'table' and (blink.is_menu_visible or blink.is_visible)
  return is_visible and is_visible() and true or false
end

--- Hears of nvim-cmp's menus once it is there; the others have events of Neovim.
---@param on_change fun()
function M.follow_cmp(on_change)
  local cmp = package.loaded['cmp']
  if is_cmp_followed or type(cmp) ~= 'table' or type(cmp.event) ~= 'table' then
    return
  end
  is_cmp_followed = true
  cmp.event:on('menu_opened', on_change)
  cmp.event:on('menu_closed', on_change)
end

return M
